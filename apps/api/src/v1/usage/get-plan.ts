import { mapTable } from '@lettergate/contracts/lib/map-table'
import { Problem } from '@lettergate/contracts/problems/problems'
import { Plan } from '@lettergate/contracts/usage/usage'
import { fromStorage, given } from '@lettergate/core/lib'
import { type Limits, readLimits, resourceLimits } from '@lettergate/core/plans'
import { type QuotaState, readCounters } from '@lettergate/core/usage'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Limits that are counted: the name of each in plans, and its counter. */
const counted = {
  recipients_per_day: ['accepted_per_day', 'day'],
  recipients_per_month: ['accepted_per_month', 'month'],
  pool_recipients_per_day: ['pool_per_day', 'pool'],
  bytes_per_day: ['bytes_per_day', 'bytes'],
} as const

function presentPlan(plan: Limits, quota: QuotaState): Plan {
  const today = mapTable(counted, ([, counter]) => quota[counter].limit)
  const lower = given(
    mapTable(counted, ([name, counter]) => {
      const isLower = (plan[name] ?? Infinity) < (quota[counter].limit ?? Infinity)
      return isLower ? plan[name] : undefined
    }),
  )
  return Plan.parse({
    ...plan,
    limits: { ...plan, ...today },
    resources: resourceLimits(plan.resources),
    from_tomorrow: Object.keys(lower).length === 0 ? null : lower,
  })
}

/** The plan, and the limits in force. */
export const getPlanRoute = tenantRoute('GET', '/v1/plan', {
  scope: 'usage:read',
  operationId: 'getPlan',
  summary: 'Read your plan',
  description: 'Your plan, the limits in force today, and what is lowered tomorrow.',
  answers: { 200: answer('Your plan.', Plan) },
  handler: async ({ deps, tenant }) => {
    const { tenantId, mode } = tenant
    const db = deps.tenants.forTenant(tenantId)
    const limits = await fromStorage(readLimits(db, tenantId))
    const now = await fromStorage(readCounters(db, tenantId, mode))
    if (!limits || !now) throw new Problem('not-found')
    return presentPlan(limits, now.quota)
  },
})
