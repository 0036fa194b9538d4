import type { Queryable } from '@lettergate/db/pool'
import { type QuotaState, toQuotaState } from '../quota-state.ts'
import { type Counter, type UsageColumns, usageColumns } from '../quotas.ts'

export type Reservation = {
  /** The counter without room; null: reserved. */
  refusedBy: Counter | null
  /** Recipients that are, or would be, counted today. */
  requested: number
  quota: QuotaState
}

/**
 * Counts the failed recipients of a message once more, today, if there is room, and takes along those that wait or may have been sent; from
 * then on the message belongs to today. The caller has locked the message, and today's usage row exists.
 */
export async function reserveUsage(
  client: Queryable,
  message: { tenantId: string; id: string },
  recipients: { failed: number; waiting: number; uncertain: number },
): Promise<Reservation> {
  const { rows } = await client.query<UsageColumns & { refused_by: Counter | null; wanted: number }>({
    name: 'reserve-usage',
    text: `select r.refused_by, r.wanted, ${usageColumns('r.g')} from move_usage($1, $2, $3, $4, $5) r`,
    values: [message.tenantId, message.id, recipients.failed, recipients.waiting, recipients.uncertain],
  })
  const [row] = rows
  const quota = row && toQuotaState(row)
  if (!quota) throw new Error('there is no usage row for today')
  return { refusedBy: row.refused_by, requested: row.wanted, quota }
}
