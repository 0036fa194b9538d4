import { planLimits } from '@lettergate/contracts/admin/limits'
import type { CreatePlanRequest, UpdatePlanRequest } from '@lettergate/contracts/admin/plans'
import { Resources } from '@lettergate/contracts/admin/resources'
import { EgressRules } from '@lettergate/contracts/egress/rules'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { DbNull, ManagedTables } from '@lettergate/db/prisma'
import { z } from 'zod'
import { given, POOL_PLAN, toJson } from '../lib/index.ts'

const Stored = z.object({
  name: z.string(),
  description: z.string(),
  ...planLimits,
  resources: Resources,
  egress: EgressRules.nullable(),
  features: z.array(z.string()),
  created_at: z.date(),
  updated_at: z.date(),
  _count: z.object({ tenants: z.number() }),
})
export type PlanRow = z.output<typeof Stored>

/** Large numbers come as bigint. */
const toRow = (row: object): PlanRow =>
  Stored.parse(
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
    ),
  )

const include = { _count: { select: { tenants: true } } } as const

function checkDays({ content_days, record_days }: { content_days: number; record_days: number }): void {
  if (record_days >= content_days) return
  const detail =
    'must not be less than content_days: content cannot stay longer than the record of its message'
  throw new Problem('validation-failed', { detail, errors: [{ pointer: '#/record_days', detail }] })
}

/** By their limit a day, the smallest first. */
export async function planNames(db: ManagedTables): Promise<string[]> {
  const rows = await db.plan.findMany({
    where: { name: { not: POOL_PLAN } },
    select: { name: true },
    orderBy: [{ accepted_per_day: 'asc' }, { name: 'asc' }],
  })
  return rows.map(({ name }) => name)
}

export async function listPlans(db: ManagedTables): Promise<PlanRow[]> {
  const rows = await db.plan.findMany({
    where: { name: { not: POOL_PLAN } },
    include,
    orderBy: { name: 'asc' },
    take: 1_000,
  })
  return rows.map(toRow)
}

export async function readPlan(db: ManagedTables, name: string): Promise<PlanRow> {
  const row = name === POOL_PLAN ? null : await db.plan.findUnique({ where: { name }, include })
  if (!row) throw new Problem('not-found')
  return toRow(row)
}

export async function createPlan(
  db: ManagedTables,
  dbNull: DbNull,
  { egress, resources, ...plan }: CreatePlanRequest,
): Promise<PlanRow> {
  checkDays(plan)
  const { count } = await db.plan.createMany({
    data: [{ ...plan, resources: toJson(resources), egress: egress === null ? dbNull : toJson(egress) }],
    skipDuplicates: true,
  })
  if (count === 0)
    throw new Problem('wrong-state', {
      detail: `There is a plan ${plan.name} already. Change it, or choose another name.`,
    })
  return readPlan(db, plan.name)
}

/** Changes a plan. `applyPlanToTenants` brings its tenants up to it after the commit; the sweep does so if that was cut off. */
export async function updatePlan(
  db: ManagedTables,
  dbNull: DbNull,
  name: string,
  { egress, resources, ...change }: UpdatePlanRequest,
): Promise<PlanRow> {
  checkDays({ ...(await readPlan(db, name)), ...given(change) })
  await db.plan.update({
    where: { name },
    data: {
      ...given(change),
      ...(resources !== undefined && { resources: toJson(resources) }),
      ...(egress !== undefined && { egress: egress === null ? dbNull : toJson(egress) }),
    },
  })
  return readPlan(db, name)
}

/** Deletes a plan that no tenant has. */
export async function deletePlan(db: ManagedTables, name: string): Promise<void> {
  const plan = await readPlan(db, name)
  const { tenants } = plan._count
  if (tenants > 0) {
    throw new Problem('wrong-state', {
      detail: `${tenants} ${tenants === 1 ? 'tenant has' : 'tenants have'} the plan ${name}. Give them another plan, then delete it.`,
    })
  }
  await db.plan.deleteMany({ where: { name } })
}
