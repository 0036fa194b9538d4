import { toPointer } from '@lettergate/contracts/faults'
import { Problem } from '@lettergate/contracts/problems'
import type { NewMessage } from '@lettergate/contracts/send-request'
import { type ConnectionRow, listConnectionRows } from '@lettergate/db/sql/connection-list'
import type { Tenants } from '@lettergate/db/tenant-database'
import type { Provider } from '@lettergate/providers/provider'
import { LRUCache } from 'lru-cache'
import {
  asksMore,
  type Carried,
  type CarryFault,
  cannotCarry,
  carriedOfNew,
  encodedBytes,
} from './can-carry.ts'
import { fromStorage } from './read-storage.ts'

export type ConnectionsCheck = {
  /** Whether the tenant's connections could carry the message at all; null if so. `pointer` is the message's own. */
  findFault(tenantId: string, message: NewMessage, pointer?: string): Promise<Problem | null>
}

/** A connection that was just made counts after this time at the latest. */
const TTL_MS = 3_000
const TENANTS_MAX = 5_000

function notFound(pointer: string): Problem {
  const detail = 'is not one of your connections'
  return new Problem('connection-not-found', {
    detail: `The connection ${detail}.`,
    errors: [{ pointer: `${pointer}${toPointer(['connection'])}`, detail }],
  })
}

type Refusal = { provider: Provider; fault: CarryFault }

function toProblem(refusals: readonly Refusal[], pointer: string): Problem | null {
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
  const all = refusals.length > 1 ? ', and none of your other connections can carry it either' : ''
  const at = `${pointer}${fault.pointer}`
  const detail = `${fault.detail} (${provider.id}${all})`
  return new Problem(fault.code, { detail: `${at}: ${detail}`, errors: [{ pointer: at, detail }] })
}

/**
 * Judges new messages by what the tenant's providers can carry. Most messages every provider can carry: the database is asked only
 * about those that name a connection, and, from a cache, about those that have something of which providers differ.
 */
export function createConnectionsCheck(deps: {
  tenants: Tenants
  providers: Readonly<Record<string, Provider>>
}): ConnectionsCheck {
  const providers = Object.values(deps.providers)
  const bytesMin = Math.min(
    ...providers.map(({ capabilities }) => capabilities.textBytesMax ?? capabilities.messageBytesMax),
  )
  const cache = new LRUCache<string, Promise<ConnectionRow[]>>({ max: TENANTS_MAX, ttl: TTL_MS })

  function readRows(tenantId: string, id: string | null): Promise<ConnectionRow[]> {
    return fromStorage(listConnectionRows(deps.tenants.forTenant(tenantId), tenantId, id))
  }

  function enabledRows(tenantId: string): Promise<ConnectionRow[]> {
    const cached = cache.get(tenantId)
    if (cached) return cached
    const reading = readRows(tenantId, null).then((rows) => rows.filter(({ enabled }) => enabled))
    cache.set(tenantId, reading)
    reading.catch(() => cache.delete(tenantId))
    return reading
  }

  function everybodyCan(message: Carried): boolean {
    if (!asksMore(message) && encodedBytes(message) <= bytesMin) return true
    return providers.every(({ capabilities }) => cannotCarry(capabilities, message) === null)
  }

  return {
    async findFault(tenantId, message, pointer = '#') {
      const { connectionId } = message
      const carried = carriedOfNew(message)
      if (connectionId === undefined && everybodyCan(carried)) return null
      const rows = await (connectionId === undefined
        ? enabledRows(tenantId)
        : readRows(tenantId, connectionId))
      if (connectionId !== undefined && rows.length === 0) return notFound(pointer)
      const refusals: Refusal[] = []
      for (const row of rows) {
        const provider = deps.providers[row.provider]
        // One that this release does not have carries nothing, and is no reason to refuse.
        if (!provider) continue
        const fault = cannotCarry(provider.capabilities, carried)
        if (!fault) return null
        refusals.push({ provider, fault })
      }
      return toProblem(refusals, pointer)
    },
  }
}
