import { timingSafeEqual } from 'node:crypto'
import { createNetworks } from '@lettergate/contracts/keys/networks'
import { fromSmtpUserName } from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import type { Queryable } from '@lettergate/db/pool'
import { LRUCache } from 'lru-cache'
import type { KeyVerifier, Principal } from '../keys/index.ts'
import { answeredBy } from '../lib/index.ts'
import type { Sealer } from '../secrets/index.ts'
import { findLogins, type LoginRow } from './sql/find-logins.ts'

/** A client that has logged in. */
export type SmtpLogin = {
  tenantId: string
  mode: 'live' | 'test'
  /** The credential, the key, or the tenant of a port without AUTH. */
  by: { kind: 'credential' | 'key' | 'open'; id: string }
  /** Empty: no restriction. */
  fromDomains: readonly string[]
  /** Whether it is good still. Rejects if the database does not answer. */
  isGood(): Promise<boolean>
}

export type LoginResult =
  | { kind: 'ok'; login: SmtpLogin }
  | { kind: 'wrong' | 'wrong-network' | 'no-scope' | 'suspended' }

type KeyFault = Exclude<LoginResult, { kind: 'ok' }>
type TenantPrincipal = Extract<Principal, { tenantId: string }>

export type SmtpLogins = {
  /** PLAIN and LOGIN: the secret of a credential, or an API key under any user name. */
  byPassword(
    userName: string,
    password: string,
    from: { address: string; isGuesser: boolean },
  ): Promise<LoginResult>
  /** CRAM-MD5: `proves` says whether the client knows this secret. */
  byProof(userName: string, proves: (secret: string) => boolean, address: string): Promise<LoginResult>
  close(): void
}

/** Below the five seconds within which a revoked login must be refused everywhere. */
const TTL_MS = 4_000
const LOGINS_MAX = 10_000
const LOOKUP_MAX = 200
const LOOKUP_MS_MAX = 2_500
/** The work for a user name that does not exist. */
const NOBODY = { secret: '0'.repeat(32) }

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Whether an address is in a list of addresses and CIDRs; an empty list has all. */
export function isInNetworks(address: string, networks: readonly string[]): boolean {
  return networks.length === 0 || createNetworks(networks).has(address)
}

type Found = LoginRow | null

/** Rows of one turn of the event loop share a query; answers are kept for a moment, good ones and others apart. */
function createFinder(
  pool: Queryable,
  now: () => number,
): { find(id: string): Promise<Found>; clear(): void } {
  const cache = () =>
    new LRUCache<string, { row: Found }>({ max: LOGINS_MAX, ttl: TTL_MS, perf: { now }, ttlResolution: 0 })
  const known = cache()
  const unknown = cache()
  const inFlight = new Map<string, Promise<Found>>()
  let waiting: { id: string; resolve(row: Found): void; reject(error: unknown): void }[] = []

  async function run(lookups: typeof waiting): Promise<void> {
    try {
      const rows = await answeredBy(
        performance.now() + LOOKUP_MS_MAX,
        findLogins(
          pool,
          lookups.map(({ id }) => id),
        ),
        () => new Error('the logins could not be asked in time'),
      )
      const byId = new Map(rows.map((row) => [row.id, row]))
      for (const { id, resolve } of lookups) resolve(byId.get(id) ?? null)
    } catch (error) {
      for (const { reject } of lookups) reject(error)
    }
  }

  function flush(): void {
    const lookups = waiting
    waiting = []
    for (let i = 0; i < lookups.length; i += LOOKUP_MAX) void run(lookups.slice(i, i + LOOKUP_MAX))
  }

  async function ask(id: string): Promise<Found> {
    // Age counts from before the question: the answer may be that old when it arrives.
    const askedAt = now()
    try {
      const row = await new Promise<Found>((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush)
        waiting.push({ id, resolve, reject })
      })
      const ttl = TTL_MS - (now() - askedAt)
      if (ttl > 0) (row ? known : unknown).set(id, { row }, { ttl })
      return row
    } finally {
      inFlight.delete(id)
    }
  }

  return {
    async find(id) {
      const kept = known.get(id) ?? unknown.get(id)
      if (kept) return kept.row
      const same = inFlight.get(id) ?? ask(id)
      inFlight.set(id, same)
      return same
    },
    clear() {
      known.clear()
      unknown.clear()
    },
  }
}

function fault(row: LoginRow, address: string): Exclude<LoginResult, { kind: 'ok' }> | null {
  if (!isInNetworks(address, row.networks)) return { kind: 'wrong-network' }
  if (!row.scopes.includes('messages:send')) return { kind: 'no-scope' }
  return row.is_suspended ? { kind: 'suspended' } : null
}

/** Checks logins of SMTP against the database, with a small cache of sealed rows in front; secrets are in memory only while one is compared. */
export function createSmtpLogins(deps: {
  /** With the rights of statements for many tenants: a login names no tenant. */
  pool: Queryable
  sealer: Sealer
  keys: KeyVerifier
  /** Milliseconds of a clock that never goes back. */
  now?: () => number
}): SmtpLogins {
  const finder = createFinder(deps.pool, deps.now ?? (() => performance.now()))

  async function secretOf(row: LoginRow): Promise<string> {
    const sealed = { sealed: row.sealed_secret, dataKeyVersion: row.data_key_version }
    const place = { tenantId: row.tenant_id, table: 'smtp_credential', id: row.id } as const
    return String(await deps.sealer.unsealJson(place, sealed))
  }

  function loginOf(row: LoginRow, address: string): SmtpLogin {
    return {
      tenantId: row.tenant_id,
      mode: row.mode,
      by: { kind: 'credential', id: row.id },
      fromDomains: row.from_domains,
      async isGood() {
        const now = await finder.find(row.id)
        return now !== null && fault(now, address) === null
      },
    }
  }

  async function byProof(
    userName: string,
    proves: (secret: string) => boolean,
    address: string,
  ): Promise<LoginResult> {
    const id = fromSmtpUserName(userName)
    const row = id === null ? null : await finder.find(id)
    const isProved = proves(row ? await secretOf(row) : NOBODY.secret)
    if (!row || !isProved) return { kind: 'wrong' }
    return fault(row, address) ?? { kind: 'ok', login: loginOf(row, address) }
  }

  /** As a request with this key would be judged. */
  async function keyFault(
    key: string,
    address: string,
    isGuesser = false,
  ): Promise<TenantPrincipal | KeyFault> {
    const principal = await deps.keys.verify(key, { isGuesser })
    if (!principal || principal.mode === 'admin') return { kind: 'wrong' }
    if (principal.networks?.has(address) === false) return { kind: 'wrong-network' }
    if (!principal.scopes.has('messages:send')) return { kind: 'no-scope' }
    return principal.suspendedBecause === undefined ? principal : { kind: 'suspended' }
  }

  async function byKey(
    key: string,
    { address, isGuesser }: { address: string; isGuesser: boolean },
  ): Promise<LoginResult> {
    const found = await keyFault(key, address, isGuesser)
    if ('kind' in found) return found
    const { tenantId, mode, keyId, fromDomains = [] } = found
    const login: SmtpLogin = {
      tenantId,
      mode,
      by: { kind: 'key', id: keyId },
      fromDomains,
      // The key stays in memory as long as the session: only its hash is stored, and only the key says which row is meant.
      isGood: async () => !('kind' in (await keyFault(key, address))),
    }
    return { kind: 'ok', login }
  }

  return {
    byProof,
    byPassword: (userName, password, from) =>
      password.startsWith('lg_')
        ? byKey(password, from)
        : byProof(userName, (secret) => isEqual(secret, password), from.address),
    close: () => finder.clear(),
  }
}
