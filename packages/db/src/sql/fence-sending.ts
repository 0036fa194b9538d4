import { int8Array, textArray, uuidArray } from '../arrays.ts'
import type { Queryable } from '../pool.ts'

export type Fence = { messageId: string; epoch: number; connectionId: string | null; provider: string }

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
          sending_at = now(), lease_until = now() + $5::int4 * interval '1 ms'
      from unnest($1::uuid[], $2::int8[], $3::uuid[], $4::text[]) as f(message_id, epoch, connection_id, provider)
      where o.message_id = f.message_id and o.epoch = f.epoch and o.state = 'claimed' and o.lease_until > now()
      returning o.epoch, o.attempts, o.sending_at`,
    values: [
      uuidArray(fences.map((fence) => fence.messageId)),
      int8Array(fences.map((fence) => fence.epoch)),
      uuidArray(fences.map((fence) => fence.connectionId)),
      textArray(fences.map((fence) => fence.provider)),
      leaseMs,
    ],
  })
  const held = new Map(rows.map((row) => [row.epoch, { attempt: row.attempts, startedAt: row.sending_at }]))
  return fences.map((fence) => {
    const hold = held.get(fence.epoch) ?? null
    // A job that runs twice may meet itself in one batch: only one of them may go on.
    held.delete(fence.epoch)
    return hold
  })
}
