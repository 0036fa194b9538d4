import type { Queryable } from '../pool.ts'
import { column, rowArray } from '../rows.ts'

export type Fence = { messageId: string; epoch: number; connectionId: string | null; provider: string }

const fenceArray = rowArray<Fence>('claim_fence', [
  column('uuid', (fence) => fence.messageId),
  column('int8', (fence) => fence.epoch),
  column('uuid', (fence) => fence.connectionId),
  column('text', (fence) => fence.provider),
])

/**
 * Commits "sending" before the first byte goes out. Answers the attempt's number and start for each message, in order;
 * null where the claim was lost: that message must not be sent.
 */
export async function fenceSending(
  db: Queryable,
  fences: Fence[],
  leaseMs: number,
): Promise<({ attempt: number; startedAt: Date } | null)[]> {
  const { rows } = await db.query<{ epoch: number; attempts: number; sending_at: Date }>({
    name: 'fence-sending',
    text: `
      update outbox o
      set state = 'sending', attempts = o.attempts + 1, connection_id = f.connection_id, provider = f.provider,
          sending_at = now(), lease_until = now() + $2::int4 * interval '1 ms'
      from unnest($1::claim_fence[]) as f
      where o.message_id = f.message_id and o.epoch = f.epoch and o.state = 'claimed' and o.lease_until > now()
      returning o.epoch, o.attempts, o.sending_at`,
    values: [await fenceArray(db, fences), leaseMs],
  })
  const held = new Map(rows.map((row) => [row.epoch, { attempt: row.attempts, startedAt: row.sending_at }]))
  return fences.map((fence) => {
    const hold = held.get(fence.epoch) ?? null
    // A job that runs twice may meet itself in one batch: only one of them may go on.
    held.delete(fence.epoch)
    return hold
  })
}
