import { newId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { ValidationIssues } from '@lettergate/contracts/problems/validation-issues'
import { isDuplicateIn } from '@lettergate/db/errors'
import type { ManagedTables, TenantPrisma } from '@lettergate/db/prisma'
import { z } from 'zod'
import { fromStorage, randomText } from '../lib/index.ts'
import { checkResourceLimit } from '../plans/index.ts'
import type { Sealer } from '../secrets/index.ts'
import { type CheckDeps, checkDomain } from './check-domain.ts'
import { parseDomainName } from './domain-name.ts'
import type { DomainKeyRow, DomainRow, StoredRecord } from './domain-rows.ts'
import { makeKeys, type NewKey } from './make-keys.ts'
import { StoredRecords } from './shown-status.ts'
import { readDomain } from './sql/read-domain.ts'
import { type Wanted, wantedRecords } from './wanted-records.ts'

export type DomainDeps = CheckDeps & { prisma: TenantPrisma; sealer: Sealer }

export type DomainInfo = {
  domain: DomainRow
  keys: DomainKeyRow[]
  records: { wanted: Wanted; stored: StoredRecord | null }[]
}

/** The first check comes after a minute: by then nobody has added the records. */
const FIRST_CHECK_MS = 60_000
const TOKEN_CHARS = 32
const CHECK_EVERY_MS = 60_000
/** Random marks meet another one about once in a thousand million. */
const MARK_TRIES_MAX = 5

const State = z.enum(['not_started', 'pending', 'verified', 'failed'])

async function insertKeys(
  db: ManagedTables,
  tenantId: string,
  domainId: string,
  keys: readonly NewKey[],
): Promise<void> {
  await db.domain_mark.createMany({
    data: keys.map(({ selector }) => ({ mark: selector, tenant_id: tenantId })),
  })
  await db.domain_key.createMany({
    data: keys.map((key) => ({ tenant_id: tenantId, domain_id: domainId, ...key })),
  })
}

/** Repeats with fresh random marks if another row has had one of them. */
async function withFreshMarks<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries === MARK_TRIES_MAX || !isDuplicateIn(error, 'domain_mark_pkey')) throw error
    }
  }
}

async function show(deps: DomainDeps, tenantId: string, id: string): Promise<DomainInfo> {
  const there = await readDomain(deps.tenants.forTenant(tenantId), tenantId, id)
  if (!there) throw new Problem('not-found')
  const stored = new Map(StoredRecords.parse(there.domain.records).map((record) => [record.name, record]))
  const records = wantedRecords(there.domain, there.keys, deps.gateway, deps.now()).map((wanted) => ({
    wanted,
    stored: stored.get(wanted.name) ?? null,
  }))
  return { ...there, records }
}

/** Adds a domain, with keys. That proves nothing yet, so that any number of tenants may add the same one. */
export async function addDomain(deps: DomainDeps, tenantId: string, text: string): Promise<DomainInfo> {
  const parsed = parseDomainName(text)
  if ('detail' in parsed) {
    const issues = new ValidationIssues()
    issues.add(['name'], parsed.detail)
    throw issues.toProblem()
  }
  const { name } = parsed
  const id = newId()
  await fromStorage(
    withFreshMarks(async () => {
      const keys = await makeKeys(deps.sealer, tenantId)
      const token = randomText(TOKEN_CHARS)
      await deps.prisma.forTenantInTurn(tenantId, async (db) => {
        await checkRoom(db, tenantId, name)
        await db.domain_mark.createMany({ data: [{ mark: token, tenant_id: tenantId }] })
        const next = new Date(deps.now() + FIRST_CHECK_MS)
        await db.domain.createMany({ data: [{ tenant_id: tenantId, id, name, token, next_check_at: next }] })
        await insertKeys(db, tenantId, id, keys)
      })
    }),
  )
  return fromStorage(show(deps, tenantId, id))
}

async function checkRoom(db: ManagedTables, tenantId: string, name: string): Promise<void> {
  await checkResourceLimit(db, { tenantId, resource: 'domains' })
  if ((await db.domain.count({ where: { tenant_id: tenantId, name } })) > 0)
    throw new Problem('wrong-state', {
      detail: `${name} is added already. Read its records with GET /v1/domains.`,
    })
}

/** All domains of a tenant by name, without their records. */
export function listDomains(deps: DomainDeps, tenantId: string): Promise<DomainRow[]> {
  return fromStorage(
    (async () => {
      const rows = await deps.prisma.forTenant(tenantId, (db) =>
        db.domain.findMany({ where: { tenant_id: tenantId }, orderBy: { name: 'asc' } }),
      )
      return rows.map((row) => ({ ...row, state: State.parse(row.state) }))
    })(),
  )
}

export function readOwnDomain(deps: DomainDeps, tenantId: string, id: string): Promise<DomainInfo> {
  return fromStorage(show(deps, tenantId, id))
}

/** Removes a domain with its keys: no mail is signed with them any more. Its token and selectors are never used again. */
export async function deleteDomain(deps: DomainDeps, tenantId: string, id: string): Promise<void> {
  await fromStorage(
    deps.prisma.forTenantInTurn(tenantId, async (db) => {
      const { count } = await db.domain.deleteMany({ where: { tenant_id: tenantId, id } })
      if (count === 0) throw new Problem('not-found')
      // After the domain, as a check does: in the other order they could wait for each other.
      await db.tenant.updateMany({
        where: { id: tenantId },
        data: { connections_version: { increment: 1 } },
      })
    }),
  )
}

/** Checks a domain now, as a person asked: once a minute at most. One that failed is looked for again, for another 72 hours. */
export async function checkNow(deps: DomainDeps, tenantId: string, id: string): Promise<DomainInfo> {
  const { rowCount } = await fromStorage(
    deps.tenants.forTenant(tenantId).query({
      name: 'ask-for-domain-check',
      text: `
        update domain set asked_at = now() where tenant_id = $1 and id = $2
          and (asked_at is null or asked_at <= now() - $3 * interval '1 ms')`,
      values: [tenantId, id, CHECK_EVERY_MS],
    }),
  )
  if (rowCount === 0) {
    await readOwnDomain(deps, tenantId, id)
    throw new Problem('rate-limited', {
      detail: 'A domain is checked once a minute at most, and automatically meanwhile.',
      headers: { 'retry-after': String(CHECK_EVERY_MS / 1_000) },
    })
  }
  const outcome = await fromStorage(checkDomain(deps, tenantId, id))
  const info = await readOwnDomain(deps, tenantId, id)
  if (outcome === 'taken') throw new Problem('domain-taken', { detail: info.domain.reason ?? '' })
  return info
}

/** Makes new keys beside those in use, which sign until the records of the new ones are seen everywhere. */
export async function rotateKeys(deps: DomainDeps, tenantId: string, id: string): Promise<DomainInfo> {
  await fromStorage(
    withFreshMarks(async () => {
      const keys = await makeKeys(deps.sealer, tenantId)
      await deps.prisma.forTenantInTurn(tenantId, async (db) => {
        // Two at the same moment: the second one finds the keys of the first.
        const { count } = await db.domain.updateMany({
          where: { tenant_id: tenantId, id },
          data: { next_check_at: new Date(deps.now() + FIRST_CHECK_MS) },
        })
        if (count === 0) throw new Problem('not-found')
        const states = await db.domain_key.findMany({
          where: { tenant_id: tenantId, domain_id: id },
          select: { state: true, algorithm: true },
        })
        if (!states.some(({ state, algorithm }) => state === 'active' && algorithm === 'rsa'))
          throw new Problem('wrong-state', {
            detail: 'The keys are not in use yet. Publish their records first.',
          })
        if (states.some(({ state, algorithm }) => state === 'new' && algorithm === 'rsa'))
          throw new Problem('wrong-state', {
            detail:
              'A rotation is under way. Publish the records of the new keys; they are used an hour after they are seen.',
          })
        // A key that was never published is of no use beside its successor.
        await db.domain_key.deleteMany({ where: { tenant_id: tenantId, domain_id: id, state: 'new' } })
        await insertKeys(db, tenantId, id, keys)
      })
    }),
  )
  return readOwnDomain(deps, tenantId, id)
}
