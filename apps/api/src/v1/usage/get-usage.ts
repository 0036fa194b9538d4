import { Problem } from '@lettergate/contracts/problems/problems'
import { Usage, UsageQuery } from '@lettergate/contracts/usage/usage'
import { fromStorage } from '@lettergate/core/lib'
import { type CounterState, readCounters, readUsageDays, type UsageNow } from '@lettergate/core/usage'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

function presentCounter({ used, limit }: CounterState, resetsAt: string) {
  return { used, limit, left: limit === null ? null : Math.max(0, limit - used), resets_at: resetsAt }
}

/** The beginning of the UTC day, or of the month, after this day. */
const after = (day: string, unit: 'day' | 'month') => {
  const next = new Date(`${day}T00:00:00Z`)
  if (unit === 'day') next.setUTCDate(next.getUTCDate() + 1)
  else next.setUTCMonth(next.getUTCMonth() + 1, 1)
  return next.toISOString()
}

function presentNow({ day, quota }: UsageNow) {
  const [daily, monthly] = [after(day, 'day'), after(day, 'month')]
  return {
    day,
    daily: presentCounter(quota.day, daily),
    monthly: presentCounter(quota.month, monthly),
    pool: presentCounter(quota.pool, daily),
    own: quota.day.used - quota.pool.used,
    bytes: presentCounter(quota.bytes, daily),
  }
}

/** What was sent, and what is left. */
export const getUsageRoute = tenantRoute('GET', '/v1/usage', {
  scope: 'usage:read',
  operationId: 'getUsage',
  summary: 'Read your usage',
  description:
    'The counters of today and of this month, the rest of each limit, and the days before, by day and by connection. ' +
    'All days and months are those of UTC.',
  query: UsageQuery,
  answers: { 200: answer('Your usage.', Usage) },
  handler: async ({ deps, tenant, query }) => {
    const { tenantId, mode } = tenant
    const db = deps.tenants.forTenant(tenantId)
    const now = await fromStorage(readCounters(db, tenantId, mode))
    if (!now) throw new Problem('not-found')
    const past = await fromStorage(readUsageDays(db, { tenantId, mode, days: query.days }))
    return { mode, ...presentNow(now), ...past }
  },
})
