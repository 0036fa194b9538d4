import type { Queryable } from '@lettergate/db/pool'
import { claimKeyArray } from './claim-key.ts'

/** Releases claims that will not be processed; claims lost meanwhile are not touched. */
export async function releaseClaims(
  db: Queryable,
  claims: { tenantId: string; messageId: string; epoch: number }[],
): Promise<void> {
  await db.query({
    name: 'release-claims',
    text: `
      update outbox o set state = 'ready', lease_until = null
      from unnest($1::claim_key[]) as c
      where o.message_id = c.message_id and o.epoch = c.epoch and o.state = 'claimed'`,
    values: [await claimKeyArray(db, claims)],
  })
}
