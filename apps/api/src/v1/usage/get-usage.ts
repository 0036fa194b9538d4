import { Problem } from '@lettergate/contracts/problems/problems'
import { Usage, UsageQuery } from '@lettergate/contracts/usage/usage'
import { fromStorage, toConnectionName } from '@lettergate/core/lib'
import { type CounterState, readUsage, readUsageDays, type UsageNow } from '@lettergate/core/usage'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { nextDay, nextMonth } from './resets.ts'

function presentCounter({ used, limit }: CounterState, resetsAt: string) {
  return { used, limit, left: limit === null ? null : Math.max(0, limit - used), resets_at: resetsAt }
}

function presentNow({ day, quota }: UsageNow) {
  const [daily, monthly] = [nextDay(day), nextMonth(day)]
  return {
    day,
    daily: presentCounter(quota, daily),
    monthly: presentCounter(quota.month, monthly),
    pool: presentCounter(quota.pool, daily),
    own: quota.used - quota.pool.used,
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
    const now = await fromStorage(readUsage(db, tenantId, mode))
    if (!now) throw new Problem('not-found')
    const { days } = query
    const past = await fromStorage(readUsageDays(db, { tenantId, mode, days }))
    return {
      mode,
      ...presentNow(now),
      connections: past.connections.map(({ connectionId, ...counts }) => ({
        connection: toConnectionName(connectionId),
        ...counts,
      })),
      days: past.days.map(({ day, accepted, pool, bytes, dayLimit }) => ({
        day,
        accepted,
        pool,
        own: accepted - pool,
        bytes,
        limit: dayLimit,
      })),
    }
  },
})
