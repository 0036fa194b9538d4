import type { KeyObject } from 'node:crypto'
import { uuidTime } from '@lettergate/contracts/lib/ids'
import type { Queryable } from '@lettergate/db/pool'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { type OwnAddress, readOwnAddress } from '../lib/index.ts'
import { type AddressMatcher, createMatcher, MATCH_KINDS } from './match-address.ts'
import { isUnder, readOwnDomain } from './own-domain.ts'
import type { InboundKind } from './sql/accept-inbound.ts'
import { findOwnMessage } from './sql/find-own-message.ts'
import { loadDomainRoutes, loadOwnRoutes, loadTokenRoutes, type RouteToMatch } from './sql/load-routes.ts'

/** Whose mail it is, and what it is for. */
export type FoundRecipient = {
  tenantId: string
  mode: 'live' | 'test'
  kind: InboundKind
  routeId: string | null
  aboutId: string | null
  aboutPosition: number | null
}

/** `unknown`: 550 5.1.1. `no-route`: 550 5.7.1. */
export type RecipientVerdict = FoundRecipient | { refusal: 'unknown' | 'no-route' }

export type RecipientFinder = {
  /** Rejects where the database does not say and nothing is known from before: 451. */
  find(address: string): Promise<RecipientVerdict>
  /** Somebody has changed routes. */
  forget(): void
}

export const StoredMatch = z.object({ kind: z.enum(MATCH_KINDS), value: z.string() })

type Route = { id: string; matches: AddressMatcher }
type Table = { tenantId: string; mode: 'live' | 'test'; routes: Route[] } | null

const TTL_MS = 60_000
const CACHE_MAX = 20_000
const DAY_MS = 86_400_000
const AGE_MAX_MS = { bounce: 14 * DAY_MS, reply: 365 * DAY_MS }
/** As long as `makeOwnAddress` makes them: nobody else has such addresses. */
const OWN_SHAPE = /^(?:b|reply)\+[0-9a-z]{41}$/i

function toTable(rows: readonly RouteToMatch[]): Table {
  const [first] = rows
  if (!first) return null
  const routes = rows.flatMap(({ id, match }): Route[] =>
    id === null ? [] : [{ id, matches: createMatcher(StoredMatch.parse(match)) }],
  )
  return { tenantId: first.tenantId, mode: first.mode, routes }
}

/** Decides for each recipient of a session whose mail it is. Routes are kept for a minute; a change is heard of by notification. */
export function createRecipientFinder(deps: {
  pool: Queryable
  inboundDomain: string
  /** Of addresses of ours: the present one, and while it is being changed the one before. */
  keys: readonly KeyObject[]
  now?: () => number
}): RecipientFinder {
  const { now = Date.now } = deps
  /** Keys are domains, and tokens behind a `+`. Without the database, the routes of before go on. */
  const tables = new LRUCache<string, { table: Table }>({
    max: CACHE_MAX,
    ttl: TTL_MS,
    allowStaleOnFetchRejection: true,
    noDeleteOnFetchRejection: true,
    // A change that is heard of meanwhile must not make a recipient unknown.
    ignoreFetchAbort: true,
    fetchMethod: async (key) => ({
      table: toTable(
        key.startsWith('+')
          ? await loadTokenRoutes(deps.pool, key.slice(1))
          : await loadDomainRoutes(deps.pool, key),
      ),
    }),
  })

  function readOwn(address: string): OwnAddress | null {
    for (const key of deps.keys) {
      const own = readOwnAddress(key, address)
      if (own) return own
    }
    return null
  }

  async function findOwn(address: string): Promise<RecipientVerdict> {
    const own = readOwn(address)
    if (!own || now() - uuidTime(own.messageId).getTime() > AGE_MAX_MS[own.purpose])
      return { refusal: 'unknown' }
    const message = await findOwnMessage(deps.pool, own)
    if (!message) return { refusal: 'unknown' }
    const { purpose: kind, messageId: aboutId, position: aboutPosition } = own
    const routes = kind === 'reply' ? toTable(await loadOwnRoutes(deps.pool, message)) : null
    const routeId = routes?.routes.find(({ matches }) => matches('reply'))?.id ?? null
    return { ...message, kind, routeId, aboutId, aboutPosition }
  }

  return {
    async find(address) {
      const at = address.lastIndexOf('@')
      if (OWN_SHAPE.test(address.slice(0, at))) return findOwn(address)
      const domain = address.slice(at + 1).toLowerCase()
      const under = readOwnDomain(address, deps.inboundDomain)
      if (!under && isUnder(domain, deps.inboundDomain)) return { refusal: 'unknown' }
      const local = under?.local ?? address.slice(0, at)
      const known = await tables.fetch(under ? `+${under.token}` : domain)
      if (!known) throw new Error('the routes of a domain could not be read')
      const { table } = known
      if (!table) return { refusal: under ? 'unknown' : 'no-route' }
      const route = table.routes.find(({ matches }) => matches(local))
      if (!route) return { refusal: 'unknown' }
      const { tenantId, mode } = table
      return { tenantId, mode, kind: 'route', routeId: route.id, aboutId: null, aboutPosition: null }
    },
    forget: () => tables.clear(),
  }
}
