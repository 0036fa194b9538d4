import { Problem } from '@lettergate/contracts/problems/problems'
import { Plan } from '@lettergate/contracts/usage/usage'
import { fromStorage } from '@lettergate/core/lib'
import { type Limits, readLimits, resourceLimits } from '@lettergate/core/plans'
import { type QuotaState, readUsage } from '@lettergate/core/usage'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

function presentPlan(limits: Limits, quota: QuotaState): Plan {
  const set = {
    recipients_per_day: limits.accepted_per_day,
    recipients_per_month: limits.accepted_per_month,
    pool_recipients_per_day: limits.pool_per_day,
    bytes_per_day: limits.bytes_per_day,
  }
  const today = {
    recipients_per_day: quota.limit,
    recipients_per_month: quota.month.limit,
    pool_recipients_per_day: quota.pool.limit,
    bytes_per_day: quota.bytes.limit,
  }
  const isLower = (name: keyof typeof set) => (set[name] ?? Infinity) < (today[name] ?? Infinity)
  const lower = {
    ...(isLower('recipients_per_day') && { recipients_per_day: set.recipients_per_day }),
    ...(isLower('recipients_per_month') && { recipients_per_month: set.recipients_per_month }),
    ...(isLower('pool_recipients_per_day') && { pool_recipients_per_day: set.pool_recipients_per_day }),
    ...(isLower('bytes_per_day') && { bytes_per_day: set.bytes_per_day }),
  }
  const { plan, description, resources, features } = limits
  const { requests_per_second, recipients_per_message, message_bytes, content_days, record_days } = limits
  return {
    plan,
    description,
    limits: {
      ...today,
      requests_per_second,
      recipients_per_message,
      message_bytes,
      content_days,
      record_days,
    },
    resources: resourceLimits(resources),
    features,
    from_tomorrow: Object.keys(lower).length === 0 ? null : lower,
  }
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
    const now = await fromStorage(readUsage(db, tenantId, mode))
    if (!limits || !now) throw new Problem('not-found')
    return presentPlan(limits, now.quota)
  },
})
