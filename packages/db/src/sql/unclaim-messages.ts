import { int8Array, uuidArray } from '../arrays.ts'
import type { Queryable } from '../pool.ts'

/** Gives claims back that will not be worked on; those that were lost meanwhile are left alone. */
export async function unclaimMessages(
  db: Queryable,
  claims: { messageId: string; epoch: number }[],
): Promise<void> {
  await db.query({
    name: 'unclaim-messages',
    text: `
      update outbox o set state = 'ready', lease_until = null
      from unnest($1::uuid[], $2::int8[]) as c(message_id, epoch)
      where o.message_id = c.message_id and o.epoch = c.epoch and o.state = 'claimed'`,
    values: [
      uuidArray(claims.map((claim) => claim.messageId)),
      int8Array(claims.map((claim) => claim.epoch)),
    ],
  })
}
