import type { KeyObject } from 'node:crypto'
import type { ChangeOwnLimits } from '@lettergate/contracts/admin/limits'
import { OwnLimits } from '@lettergate/contracts/admin/limits'
import type {
  CreateTenantRequest,
  ListTenantsQuery,
  UpdateTenantRequest,
} from '@lettergate/contracts/admin/tenants'
import { EgressRules } from '@lettergate/contracts/egress/rules'
import { fromPublicId, newId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { ManagedTables, OperatorPrisma } from '@lettergate/db/prisma'
import { z } from 'zod'
import { issueKey } from '../keys/index.ts'
import { type CursorKey, columnsOf, given, POOL_PLAN, readCursor, toJson, writeCursor } from '../lib/index.ts'
import { planNames, readPlan } from './plans.ts'

const Stored = z.object({
  id: z.string(),
  name: z.string(),
  plan: z.string(),
  daily_limit: z.number(),
  own_limits: OwnLimits,
  egress_extra: EgressRules,
  retry_hours: z.number(),
  on_unknown: z.enum(['hold', 'resend']),
  suspended_at: z.date().nullable(),
  suspended_reason: z.string().nullable(),
  created_at: z.date(),
})
const COLUMNS = columnsOf(Stored)
export type TenantRow = z.output<typeof Stored>

/** The recipients a day of a plan; refuses a name that no plan has. */
async function dailyLimitOf(db: ManagedTables, plan: string): Promise<number> {
  const names = await planNames(db)
  if (names.includes(plan)) return (await readPlan(db, plan)).accepted_per_day
  const detail = `must be ${[names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' or ')}`
  throw new Problem('validation-failed', {
    detail: `The plan ${detail}.`,
    errors: [{ pointer: '#/plan', detail }],
  })
}

/** Null takes a limit back. */
function changeLimits(before: OwnLimits, { resources, ...change }: ChangeOwnLimits): OwnLimits {
  const ofResources = withoutNulls({ ...before.resources, ...resources })
  return OwnLimits.parse({
    ...withoutNulls({ ...before, ...given(change) }),
    resources: Object.keys(ofResources).length === 0 ? undefined : ofResources,
  })
}

const withoutNulls = (values: object) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined))

/** `dailyLimit`: as `own_limits.accepted_per_day`. */
export type NewTenant = CreateTenantRequest & { dailyLimit?: number | undefined }

/** Makes a tenant with a live and a test key; the keys cannot be read again. */
export async function addTenant(
  { db, pepper }: { db: ManagedTables; pepper: KeyObject },
  { own_limits, dailyLimit, ...tenant }: NewTenant,
): Promise<{ tenantId: string; liveKey: string; testKey: string }> {
  const tenantId = newId()
  const planLimit = await dailyLimitOf(db, tenant.plan)
  const ownLimits = changeLimits({}, { ...own_limits, ...given({ accepted_per_day: dailyLimit }) })
  await db.tenant.create({
    data: {
      ...given(tenant),
      id: tenantId,
      name: tenant.name,
      plan: tenant.plan,
      daily_limit: ownLimits.accepted_per_day ?? planLimit,
      own_limits: toJson(ownLimits),
    },
    select: { id: true },
  })
  const live = await issueKey({ db, pepper }, { mode: 'live', tenantId })
  const test = await issueKey({ db, pepper }, { mode: 'test', tenantId })
  return { tenantId, liveKey: live.key, testKey: test.key }
}

/** As `addTenant`, in a transaction of its own. */
export function createTenant(
  deps: { operator: OperatorPrisma; pepper: KeyObject },
  tenant: NewTenant,
): Promise<{ tenantId: string; liveKey: string; testKey: string }> {
  return deps.operator.forOperator((db) => addTenant({ db, pepper: deps.pepper }, tenant))
}

export async function tenantExists(db: ManagedTables, tenantId: string): Promise<boolean> {
  return (await db.tenant.count({ where: { id: tenantId } })) === 1
}

export async function readTenant(db: ManagedTables, tenantId: string): Promise<TenantRow> {
  const row = await db.tenant.findFirst({
    where: { id: tenantId, plan: { not: POOL_PLAN } },
    select: COLUMNS,
  })
  if (!row) throw new Problem('not-found')
  return Stored.parse(row)
}

/** Changes a tenant; triggers bring its limits in force up to that. */
export async function updateTenant(
  db: ManagedTables,
  tenantId: string,
  { own_limits, egress_extra, ...change }: UpdateTenantRequest,
): Promise<TenantRow> {
  const before = await readTenant(db, tenantId)
  if (change.plan !== undefined) await dailyLimitOf(db, change.plan)
  await db.tenant.updateMany({
    where: { id: tenantId },
    data: {
      ...given(change),
      ...(egress_extra !== undefined && { egress_extra: toJson(egress_extra) }),
      ...(own_limits !== undefined && { own_limits: toJson(changeLimits(before.own_limits, own_limits)) }),
    },
  })
  return readTenant(db, tenantId)
}

/** A page of tenants, newest first. */
export async function listTenants(
  db: ManagedTables,
  cursorKey: CursorKey,
  { search, state, plan, cursor, limit }: ListTenantsQuery,
): Promise<{ rows: TenantRow[]; nextCursor: string | null }> {
  const scope = ['tenants', search ?? null, state ?? null, plan ?? null]
  const before = cursor === undefined ? undefined : readCursor(cursorKey, scope, cursor)
  const id = search === undefined ? null : fromPublicId('ten', search)
  const found = await db.tenant.findMany({
    where: {
      plan: { not: POOL_PLAN, ...(plan !== undefined && { equals: plan }) },
      ...(before !== undefined && { id: { lt: before } }),
      ...(state !== undefined && { suspended_at: state === 'active' ? null : { not: null } }),
      ...(search !== undefined && {
        AND: [id ? { id } : { name: { contains: search, mode: 'insensitive' } }],
      }),
    },
    select: COLUMNS,
    orderBy: { id: 'desc' },
    take: limit + 1,
  })
  const rows = z.array(Stored).parse(found.slice(0, limit))
  const last = rows.at(-1)
  const nextCursor = found.length > limit && last ? writeCursor(cursorKey, scope, last.id) : null
  return { rows, nextCursor }
}
