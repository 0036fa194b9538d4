import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { Queryable } from '@lettergate/db/pool'
import { waitUntil } from './ports.ts'

/**
 * Adds the messages that are being sent at this moment. A statement of the dead one may still run and fence more, so this waits
 * until it has no connection left, unless other workers live, whose connections look the same.
 */
export async function noteInFlight(db: Queryable, found: Set<string>, isOnlyWorker: boolean): Promise<void> {
  const text = "select 1 from pg_stat_activity where application_name = 'lettergate-worker' limit 1"
  if (isOnlyWorker)
    await waitUntil('the dead worker’s connections to end', 5_000, async () => {
      const { rowCount } = await db.query({ text })
      return rowCount === 0
    })
  const { rows } = await db.query<{ message_id: string }>({
    text: "select message_id from outbox where state = 'sending'",
  })
  for (const row of rows) found.add(toPublicId('msg', row.message_id))
}

/** Ends every lease now: a test waits for the sweeper, not for the clock. */
export async function expireLeases(db: Queryable): Promise<void> {
  await db.query({ text: "update outbox set lease_until = now() where state in ('claimed', 'sending')" })
}
