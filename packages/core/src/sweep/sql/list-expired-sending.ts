import type { Queryable } from '@lettergate/db/pool'

/** Hand-offs whose worker was lost: nobody knows whether the provider took the message. */
export async function listExpiredSending(
  db: Queryable,
  limit: number,
): Promise<{ tenantId: string; messageId: string; epoch: number }[]> {
  const { rows } = await db.query<{ tenant_id: string; message_id: string; epoch: number }>({
    name: 'list-expired-sending',
    text: `
      select tenant_id, message_id, epoch from outbox where phase = 'held' and state = 'sending' and lease_until < now()
      order by lease_until limit $1`,
    values: [limit],
  })
  return rows.map((row) => ({ tenantId: row.tenant_id, messageId: row.message_id, epoch: row.epoch }))
}
