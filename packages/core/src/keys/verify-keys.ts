import { hash, type KeyObject, timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { tenantScopes } from '@lettergate/contracts/keys/keys'
import { createNetworks, type Networks } from '@lettergate/contracts/keys/networks'
import { databaseFailure } from '@lettergate/db/errors'
import type { Queryable } from '@lettergate/db/pool'
import { LRUCache } from 'lru-cache'
import { answeredBy } from '../lib/index.ts'
import { hashKey, isWellFormedKey, pepperVersionOf } from './key-format.ts'
import { findKeys, type KeyRow } from './sql/find-key.ts'
import { rehashKey } from './sql/rehash-key.ts'

export const SCOPES = [...tenantScopes, 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** Whether a scope allows reading alone. */
export function isReading(scope: Scope): boolean {
  return scope.endsWith(':read')
}

export type TenantPrincipal = {
  mode: 'live' | 'test'
  keyId: string
  tenantId: string
  scopes: ReadonlySet<Scope>
  /** Why the operator has suspended the tenant, which may then only read; absent: it is active. */
  suspendedBecause?: string
  /** Where requests may come from; absent: anywhere. */
  networks?: Networks
  /** Domains that mail may be from; absent: any. */
  fromDomains?: readonly string[]
  /** Requests a second, of the tenant and of this key; null: no limit of its own. */
  rates?: { tenant: number | null; key: number | null }
}
export type AdminPrincipal = { mode: 'admin'; keyId: string; scopes: ReadonlySet<Scope> }
/** The owner of a key: a tenant or the operator. */
export type Principal = TenantPrincipal | AdminPrincipal

export type KeyVerifier = {
  /**
   * Null for every key that is not good now, for any reason. Rejects if the database does not answer. `isGuesser`: the key comes from
   * where many wrong ones came from, so it waits to be looked up together with the others, unless it was good within the hour.
   */
  verify(key: string, from?: { isGuesser: boolean }): Promise<Principal | null>
  /** Drops all entries. */
  close(): void
}

type Lookup = { keyHash: Buffer; resolve(principal: Found): void; reject(error: unknown): void }
type LookUp = (keyHash: Buffer) => Promise<Found>
type Found = { principal: Principal | null; ttlMs: number }

/** Below the five seconds within which a revoked key must be refused everywhere. */
const TTL_MS_MAX = 4_000
const KNOWN_MAX = 10_000
const UNKNOWN_MAX = 10_000
const LOOKUP_KEYS_MAX = 200
/** Guesses are looked up by one statement at a time, with this pause after each: at most 20 statements a second. */
const GUESSES_EVERY_MS = 50
/** More than one process can be asked in that time. */
const GUESSES_MAX = 1_000
/** A send is answered within three seconds, and this is only its first step. */
const LOOKUP_MS_MAX = 2_500
/** A key that was good within this time does not wait with guesses; whether it still is good, the database says. */
const FAMILIAR_MS = 3_600_000

function toPrincipal(row: KeyRow): Principal {
  // A newer release may have given a scope that this one does not know; it grants nothing here.
  const scopes = new Set(SCOPES.filter((scope) => row.scopes.includes(scope)))
  if (row.mode === 'admin') return { mode: 'admin', keyId: row.id, scopes }
  if (row.tenant_id === null) throw new Error(`key ${row.id} belongs to no tenant`)
  return {
    mode: row.mode,
    keyId: row.id,
    tenantId: row.tenant_id,
    scopes,
    ...(row.suspended_reason !== null && { suspendedBecause: row.suspended_reason }),
    rates: { tenant: row.tenant_rate, key: row.requests_per_second },
    ...(row.networks.length > 0 && { networks: createNetworks(row.networks) }),
    ...(row.from_domains.length > 0 && { fromDomains: row.from_domains }),
  }
}

/**
 * Checks keys against the database, with a small cache in front. Keys that are checked at the same moment share one query. While root keys
 * are being changed, a key that the previous pepper hashed is accepted too, and is hashed again, so that the old secret can be removed.
 *
 * The cache is indexed by the key's SHA-256, not by the key, so that no key stays in memory after its request, and not by
 * the stored HMAC, which costs five times as much (0.26 against 1.3 µs) and would protect 256 random bits no better.
 */
export function createKeyVerifier(deps: {
  pool: Queryable
  pepper: KeyObject
  previousPepper?: KeyObject | undefined
  /** A key was good and could not be hashed again: its next use repeats that. */
  onError?: (error: unknown) => void
  ttlMs?: number
  /** Milliseconds of a clock that never goes back. */
  now?: () => number
}): KeyVerifier {
  const ttlMsMax = Math.min(deps.ttlMs ?? TTL_MS_MAX, TTL_MS_MAX)
  const now = deps.now ?? (() => performance.now())
  // Apart, so that a flood of unknown keys cannot push out the known ones.
  const known = createCache<Principal>(KNOWN_MAX, now)
  const unknown = createCache<true>(UNKNOWN_MAX, now)
  const familiar = createCache<true>(KNOWN_MAX, now)
  const inFlight = new Map<string, Promise<Principal | null>>()
  const lookUp = createLookup(deps.pool)
  const lookUpGuess = createGuessLookup(deps.pool)
  const pepperVersion = pepperVersionOf(deps.pepper)

  /** By the pepper, or else by the one before it: both are asked for in one query. */
  async function find(key: string, by: LookUp): Promise<Found> {
    const { pepper, previousPepper } = deps
    if (previousPepper === undefined) return by(hashKey(pepper, key))
    const [to, from] = [hashKey(pepper, key), hashKey(previousPepper, key)]
    const [found, before] = await Promise.all([by(to), by(from)])
    if (found.principal || !before.principal) return found
    await rehashKey(deps.pool, { from, to, pepperVersion }).catch((error: unknown) => deps.onError?.(error))
    return before
  }

  async function ask(digest: string, key: string, by: LookUp): Promise<Principal | null> {
    // Age counts from before the question: the answer may be that old when it arrives.
    const askedAt = now()
    try {
      const { principal, ttlMs } = await answeredBy(
        performance.now() + LOOKUP_MS_MAX,
        find(key, by),
        () => new Error('the keys could not be asked in time'),
      )
      const ttl = Math.min(ttlMs, ttlMsMax) - (now() - askedAt)
      if (principal) familiar.set(digest, true, { ttl: FAMILIAR_MS })
      if (ttl > 0 && principal) known.set(digest, principal, { ttl })
      if (ttl > 0 && !principal) unknown.set(digest, true, { ttl })
      return principal
    } finally {
      inFlight.delete(digest)
    }
  }

  return {
    async verify(key, from) {
      const digest = hash('sha256', key, 'base64')
      const principal = known.get(digest)
      if (principal !== undefined) return principal
      if (!isWellFormedKey(key) || unknown.has(digest)) return null
      const by = from?.isGuesser && !familiar.has(digest) ? lookUpGuess : lookUp
      const same = inFlight.get(digest) ?? ask(digest, key, by)
      inFlight.set(digest, same)
      return same
    },
    close() {
      familiar.clear()
      known.clear()
      unknown.clear()
    },
  }
}

function createCache<V extends object | true>(max: number, now: () => number): LRUCache<string, V> {
  return new LRUCache<string, V>({ max, ttl: TTL_MS_MAX, perf: { now }, ttlResolution: 0 })
}

/** Answers lookups by one statement. */
async function runLookups(pool: Queryable, lookups: Lookup[]): Promise<void> {
  try {
    const hashes = lookups.map(({ keyHash }) => keyHash)
    // Once more on another connection: the first may have been silent, and there is nothing that could be done twice.
    const rows = await findKeys(pool, hashes).catch((error: unknown) => {
      if (databaseFailure(error) !== 'unavailable') throw error
      return findKeys(pool, hashes)
    })
    for (const { keyHash, resolve } of lookups) {
      const row = rows.find((candidate) => timingSafeEqual(candidate.hash, keyHash))
      if (row) resolve({ principal: toPrincipal(row), ttlMs: row.expires_in_ms ?? Number.POSITIVE_INFINITY })
      else resolve({ principal: null, ttlMs: Number.POSITIVE_INFINITY })
    }
  } catch (error) {
    for (const { reject } of lookups) reject(error)
  }
}

/** Collects the lookups of one turn of the event loop into one query. */
function createLookup(pool: Queryable): LookUp {
  let waiting: Lookup[] = []

  function flush(): void {
    const lookups = waiting
    waiting = []
    for (let i = 0; i < lookups.length; i += LOOKUP_KEYS_MAX)
      void runLookups(pool, lookups.slice(i, i + LOOKUP_KEYS_MAX))
  }

  return (keyHash) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush)
      waiting.push({ keyHash, resolve, reject })
    })
}

/** Collects lookups while the statement of those before runs, and for some time after it. */
function createGuessLookup(pool: Queryable): LookUp {
  const waiting: Lookup[] = []
  let isRunning = false

  async function run(): Promise<void> {
    isRunning = true
    while (waiting.length > 0) {
      await runLookups(pool, waiting.splice(0, GUESSES_MAX))
      await sleep(GUESSES_EVERY_MS, undefined, { ref: false })
    }
    isRunning = false
  }

  return (keyHash) =>
    new Promise((resolve, reject) => {
      waiting.push({ keyHash, resolve, reject })
      if (!isRunning) void run()
    })
}
