import type { KeyObject } from 'node:crypto'
import { coversFrom } from '@lettergate/contracts/keys/from-domains'
import type { CreateKeyRequest } from '@lettergate/contracts/keys/keys'
import { createNetworks } from '@lettergate/contracts/keys/networks'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { ManagedTables, TenantPrisma } from '@lettergate/db/prisma'
import { fromStorage } from '../lib/index.ts'
import { checkResourceLimit } from '../plans/index.ts'
import { issueKey } from './issue-key.ts'
import type { TenantPrincipal } from './verify-keys.ts'

export type KeyDeps = { prisma: TenantPrisma; pepper: KeyObject; clock: { now(): number } }

const COLUMNS = {
  id: true,
  name: true,
  mode: true,
  display: true,
  scopes: true,
  networks: true,
  from_domains: true,
  requests_per_second: true,
  created_at: true,
  expires_at: true,
  revoked_at: true,
  created_by: true,
  replaced_by: true,
  use: { select: { used_at: true, address: true, agent: true } },
} as const
const LIST_MAX = 500
const SHOWN_AFTER_END_MS = 30 * 24 * 3_600_000

export type KeyInfo = Awaited<ReturnType<typeof find>>
type Rights = Pick<KeyInfo, 'mode' | 'scopes' | 'networks' | 'from_domains' | 'expires_at'>

/** A test key sees test keys alone. */
const seenBy = ({ tenantId, mode }: TenantPrincipal) => ({
  tenant_id: tenantId,
  ...(mode === 'test' && { mode }),
})
const isGood = { revoked_at: null } as const
const unexpired = (now: Date) => ({ OR: [{ expires_at: null }, { expires_at: { gt: now } }] })

async function find(db: ManagedTables, caller: TenantPrincipal, id: string) {
  const row = await db.api_key.findFirst({ where: { ...seenBy(caller), id }, select: COLUMNS })
  if (!row) throw new Problem('not-found')
  return row
}

function beyond(what: string): Problem {
  return new Problem('insufficient-scope', {
    detail: `A key cannot make or rotate a key that may do more than itself: ${what}. Use a key that may do all of it.`,
  })
}

/** No key makes one that may do more than itself, nor learns one by rotating it. */
function checkCovered(by: Rights, wanted: Rights): void {
  const scope = wanted.scopes.find((one) => !by.scopes.includes(one))
  if (scope !== undefined) throw beyond(`it does not have the scope ${scope}`)
  if (by.mode === 'test' && wanted.mode !== 'test') throw beyond('it is a test key')
  const networks = createNetworks(by.networks)
  const isFree = (list: string[]) => list.length === 0
  if (!isFree(by.networks) && (isFree(wanted.networks) || !wanted.networks.every(networks.hasAll)))
    throw beyond(`it is bound to the networks ${by.networks.join(', ')}`)
  const covers = (domain: string) => coversFrom(by.from_domains, domain)
  if (!isFree(by.from_domains) && (isFree(wanted.from_domains) || !wanted.from_domains.every(covers)))
    throw beyond(`it is bound to the domains ${by.from_domains.join(', ')}`)
  if (by.expires_at !== null && (wanted.expires_at === null || wanted.expires_at > by.expires_at))
    throw beyond(`it ends at ${by.expires_at.toISOString()}`)
}

/** One after another for each tenant in all processes, so that counts and checks hold. */
function inTurn<T>(
  { prisma }: KeyDeps,
  { tenantId }: TenantPrincipal,
  work: (db: ManagedTables) => Promise<T>,
): Promise<T> {
  return fromStorage(
    prisma.forTenantInTurn(tenantId, async (db) => {
      await db.$executeRaw`select pg_advisory_xact_lock(hashtextextended(${`keys ${tenantId}`}, 0))`
      return work(db)
    }),
  )
}

/** Makes a key that may do what the calling key may, or less. */
export function createKey(
  deps: KeyDeps,
  caller: TenantPrincipal,
  request: CreateKeyRequest,
): Promise<{ info: KeyInfo; key: string }> {
  const { name, mode, networks, from_domains, requests_per_second } = request
  const expires_at = request.expires_at === null ? null : new Date(request.expires_at)
  const scopes = [...new Set(request.scopes)]
  return inTurn(deps, caller, async (db) => {
    const now = new Date(deps.clock.now())
    if (expires_at !== null && expires_at <= now)
      throw new Problem('validation-failed', {
        detail: '#/expires_at: is in the past',
        errors: [{ pointer: '#/expires_at', detail: 'is in the past' }],
      })
    const wanted = { mode, scopes, networks, from_domains, expires_at }
    checkCovered(await find(db, caller, caller.keyId), wanted)
    await checkResourceLimit(db, { tenantId: caller.tenantId, resource: 'keys' })
    const made = await issueKey(
      { db, pepper: deps.pepper },
      { mode, tenantId: caller.tenantId },
      { name, scopes, networks, from_domains, requests_per_second, expires_at, created_by: caller.keyId },
    )
    return { info: await find(db, caller, made.keyId), key: made.key }
  })
}

/** The keys of the tenant, newest first. */
export function listKeys(deps: KeyDeps, caller: TenantPrincipal): Promise<KeyInfo[]> {
  const since = new Date(deps.clock.now() - SHOWN_AFTER_END_MS)
  return fromStorage(
    deps.prisma.forTenant(caller.tenantId, (db) =>
      db.api_key.findMany({
        where: {
          ...seenBy(caller),
          AND: [{ OR: [isGood, { revoked_at: { gt: since } }] }, unexpired(since)],
        },
        select: COLUMNS,
        orderBy: { id: 'desc' },
        take: LIST_MAX,
      }),
    ),
  )
}

export function readKey(deps: KeyDeps, caller: TenantPrincipal, id: string): Promise<KeyInfo> {
  return fromStorage(deps.prisma.forTenant(caller.tenantId, (db) => find(db, caller, id)))
}

function checkNotOver({ revoked_at, expires_at, replaced_by }: KeyInfo, now: Date): void {
  const detail =
    replaced_by !== null
      ? 'This key was rotated already. Rotate the key in `replaced_by` instead.'
      : revoked_at !== null || (expires_at !== null && expires_at <= now)
        ? 'This key has ended. Create a new one.'
        : null
  if (detail !== null) throw new Problem('wrong-state', { detail })
}

/** Makes a key in the place of another, with all its rights; the old one is good for a while longer. */
export function rotateKey(
  deps: KeyDeps,
  caller: TenantPrincipal,
  id: string,
  overlapSeconds: number,
): Promise<{ info: KeyInfo; key: string }> {
  return inTurn(deps, caller, async (db) => {
    const now = new Date(deps.clock.now())
    const old = await find(db, caller, id)
    checkNotOver(old, now)
    checkCovered(await find(db, caller, caller.keyId), old)
    await checkResourceLimit(db, { tenantId: caller.tenantId, resource: 'keys' })
    const { name, scopes, networks, from_domains, requests_per_second, expires_at } = old
    const made = await issueKey(
      { db, pepper: deps.pepper },
      { mode: old.mode === 'test' ? 'test' : 'live', tenantId: caller.tenantId },
      { name, scopes, networks, from_domains, requests_per_second, expires_at, created_by: caller.keyId },
    )
    // By the clock of the database, as everything that expires.
    await db.$executeRaw`
      update api_key set expires_at = least(expires_at, now() + make_interval(secs => ${overlapSeconds})), replaced_by = ${made.keyId}::uuid
      where tenant_id = ${caller.tenantId}::uuid and id = ${id}::uuid`
    return { info: await find(db, caller, made.keyId), key: made.key }
  })
}

/** Revokes a key for good; not the last one that may manage keys, unless that is forced. */
export function revokeOwnKey(
  deps: KeyDeps,
  caller: TenantPrincipal,
  id: string,
  options: { force: boolean },
): Promise<void> {
  return inTurn(deps, caller, async (db) => {
    const now = new Date(deps.clock.now())
    const { mode, scopes } = await find(db, caller, id)
    if (scopes.includes('keys:write') && !options.force) {
      const others = await db.api_key.count({
        where: {
          tenant_id: caller.tenantId,
          id: { not: id },
          mode: mode === 'live' ? 'live' : { in: ['live', 'test'] },
          scopes: { has: 'keys:write' },
          replaced_by: null,
          ...isGood,
          ...unexpired(now),
        },
      })
      if (others === 0)
        throw new Problem('wrong-state', {
          detail:
            'This is the last key that may manage keys: without it, only the operator could make new ones. Make another one first, or repeat with ?force=true.',
        })
    }
    await db.$executeRaw`
      update api_key set revoked_at = now() where tenant_id = ${caller.tenantId}::uuid and id = ${id}::uuid and revoked_at is null`
  })
}
