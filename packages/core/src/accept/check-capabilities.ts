import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import { toPointer } from '@lettergate/contracts/problems/validation-issues'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Provider } from '@lettergate/providers/provider'
import { LRUCache } from 'lru-cache'
import { fromStorage, readOnce } from '../lib/index.ts'
import {
  asksMore,
  type Carried,
  cannotCarry,
  carriedOfNew,
  createSenderCheck,
  encodedBytes,
  type Incompatibility,
  type OpenRouting,
  type Routable,
  type RoutingViews,
  readNamedConnection,
  readRouting,
  type SendingTerms,
  targetsOf,
} from '../routing/index.ts'
import { problemAt } from './problem-at.ts'

export type ConnectionsCheck = {
  /**
   * Why no connection that the message may go by could carry it at all, or may send from its sender; null if one may. `pointer` is the
   * message's own. Test mail goes by no connection, so anybody may send it.
   */
  findFault(
    tenantId: string,
    message: NewMessage,
    pointer?: string,
    mode?: 'live' | 'test',
  ): Promise<Problem | null>
}

/** A connection or a route that was just made counts after this time at the latest. */
const TTL_MS = 3_000
const TENANTS_MAX = 5_000

function notFound(pointer: string): Problem {
  const detail = 'is not one of your connections'
  return new Problem('connection-not-found', {
    detail: `The connection ${detail}.`,
    errors: [{ pointer: `${pointer}${toPointer(['connection'])}`, detail }],
  })
}

/** The connections that a message may go by; `routeId`: a route says so. */
type Way = { connections: OpenRouting['connections']; routeId: string | null }

/** What a tenant may send by: its own connections, and those of the pool. */
type Choices = OpenRouting & { pool: OpenRouting['connections']; terms: Pick<SendingTerms, 'place'> }

/** As the router chooses when the message goes out. */
function wayOf({ connections: own, pool, routes, terms }: Choices, message: Routable): Way {
  const { targets, routeId } = targetsOf({ own, pool, routes, terms }, message, ({ id }) => id)
  return { connections: targets, routeId }
}

function routableOf({ stream, tags, from, to, cc, bcc }: NewMessage): Routable {
  return { stream, tags, fromAddress: from.address, recipients: [...to, ...cc, ...bcc] }
}

type Refusal = { provider: Provider; fault: Incompatibility }

function toProblem(refusals: readonly Refusal[], { routeId }: Way, pointer: string): Problem | null {
  // What is the message's own doing comes first; of sizes, the largest that would have been possible.
  const [first] = [...refusals].sort((a, b) => {
    const bySize = (refusal: Refusal) => (refusal.fault.code === 'payload-too-large' ? 1 : 0)
    return (
      bySize(a) - bySize(b) ||
      (bySize(a) && b.provider.capabilities.messageBytesMax - a.provider.capabilities.messageBytesMax)
    )
  })
  if (!first) return null
  const { provider, fault } = first
  const others = routeId === null ? 'of your other connections' : 'of the other connections of that route'
  const all = refusals.length > 1 ? `, and none ${others} can carry it either` : ''
  const by = routeId === null ? '' : `, by the route ${toPublicId('rte', routeId)}`
  const detail = `${fault.detail} (${provider.id}${by}${all})`
  return problemAt(fault.code, `${pointer}${fault.pointer}`, detail)
}

/**
 * Judges new messages by what the tenant's providers can carry. Most messages every provider can carry: the database is asked only
 * about those that name a connection, and, from a cache, about those that have something of which providers differ.
 */
export function createConnectionsCheck(deps: {
  tenants: Tenants
  providers: Readonly<Record<string, Provider>>
  /** Absent: there is no shared pool, and no sender is judged. */
  views?: RoutingViews
}): ConnectionsCheck {
  const providers = Object.values(deps.providers)
  const bytesMin = Math.min(
    ...providers.map(({ capabilities }) => capabilities.textBytesMax ?? capabilities.messageBytesMax),
  )
  const cache = new LRUCache<string, Promise<OpenRouting>>({ max: TENANTS_MAX, ttl: TTL_MS })
  const senders = deps.views && createSenderCheck({ views: deps.views })

  async function choicesOf(tenantId: string): Promise<Choices> {
    if (!deps.views) return { ...(await routingOf(tenantId)), pool: [], terms: { place: 'never' } }
    const { connections: pool } = await deps.views.pool()
    return { ...(await deps.views.viewOf(tenantId)), pool }
  }

  function routingOf(tenantId: string): Promise<OpenRouting> {
    return readOnce(cache, tenantId, () =>
      fromStorage(readRouting(deps.tenants.forTenant(tenantId), tenantId)),
    )
  }

  async function named(tenantId: string, id: string): Promise<Way> {
    const connections = await fromStorage(readNamedConnection(deps.tenants.forTenant(tenantId), tenantId, id))
    return { connections, routeId: null }
  }

  function everybodyCan(message: Carried): boolean {
    if (!asksMore(message) && encodedBytes(message) <= bytesMin) return true
    return providers.every(({ capabilities }) => cannotCarry(capabilities, message) === null)
  }

  async function findCapabilityFault(
    tenantId: string,
    message: NewMessage,
    pointer: string,
  ): Promise<Problem | null> {
    const { connectionId } = message
    const carried = carriedOfNew(message)
    if (connectionId === undefined && everybodyCan(carried)) return null
    const way =
      connectionId === undefined
        ? wayOf(await choicesOf(tenantId), routableOf(message))
        : await named(tenantId, connectionId)
    if (connectionId !== undefined && way.connections.length === 0) return notFound(pointer)
    const refusals: Refusal[] = []
    for (const row of way.connections) {
      const provider = deps.providers[row.provider]
      // One that this release does not have carries nothing, and is no reason to refuse.
      if (!provider) continue
      const fault = cannotCarry(provider.capabilities, carried)
      if (!fault) return null
      refusals.push({ provider, fault })
    }
    return toProblem(refusals, way, pointer)
  }

  return {
    async findFault(tenantId, message, pointer = '#', mode = 'live') {
      const fault = await findCapabilityFault(tenantId, message, pointer)
      if (fault || !senders || mode === 'test') return fault
      const { connectionId = null } = message
      const sender = await senders.findFault(tenantId, { ...routableOf(message), connectionId })
      return sender && problemAt(sender.code, `${pointer}${sender.pointer}`, sender.detail)
    },
  }
}
