import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'

export type Fence = {
  messageId: string
  epoch: number
  connectionId: string | null
  provider: string
  /** Chosen by the caller and kept across retries of this fence: a job may run twice, with the same epoch. */
  token: number
}

const fenceArray = rowArray<Fence>('claim_fence', [
  column('uuid', (fence) => fence.messageId),
  column('int8', (fence) => fence.epoch),
  column('uuid', (fence) => fence.connectionId),
  column('text', (fence) => fence.provider),
  column('int8', (fence) => fence.token),
])

/**
 * Commits "sending" before the first byte is sent. Answers the attempt's number and start for each message, in order; null where
 * the claim was lost: that message must not be sent. May be repeated without an answer, as long as nothing was sent.
 */
export async function beginSending(
  db: Queryable,
  fences: Fence[],
  leaseMs: number,
): Promise<({ attempt: number; startedAt: Date } | null)[]> {
  const { rows } = await db.query<{ token: number; attempt: number; startedAt: Date }>({
    name: 'begin-sending',
    text: `
      update outbox o
      set state = 'sending', attempts = o.attempts + (o.state = 'claimed')::int4, connection_id = f.connection_id,
          provider = f.provider, fence_token = f.token, sending_at = now(), lease_until = now() + $2::int4 * interval '1 ms'
      from unnest($1::claim_fence[]) as f
      where o.message_id = f.message_id and o.epoch = f.epoch
        and (o.state = 'claimed' and o.lease_until > now() or o.state = 'sending' and o.fence_token = f.token)
      returning o.fence_token as token, o.attempts as attempt, o.sending_at as "startedAt"`,
    values: [await fenceArray(db, fences), leaseMs],
  })
  // The token identifies which of two runs of one job got the fence.
  const held = new Map(rows.map(({ token, ...begun }) => [token, begun]))
  return fences.map(({ token }) => held.get(token) ?? null)
}
