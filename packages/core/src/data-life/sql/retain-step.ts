import type { Queryable } from '@lettergate/db/pool'

export type RetentionStep = {
  /**
   * detached (a day that nobody keeps), dropped, copied (rows that stay), swapped (the copy is in the place of the day), deleted (by rows),
   * looked (nothing to do), busy (somebody holds a lock), again (the copy did not fit any more), elsewhere (another process does it), nothing.
   */
  did:
    | 'detached'
    | 'dropped'
    | 'copied'
    | 'swapped'
    | 'deleted'
    | 'looked'
    | 'busy'
    | 'again'
    | 'elsewhere'
    | 'nothing'
  table: string | null
  day: string | null
  rows: number
}

/** Does one step, which is one transaction. `today`: absent, the database's UTC day. */
export async function retainStep(
  db: Queryable,
  { today, skipped }: { today?: string | undefined; skipped: readonly string[] },
): Promise<RetentionStep> {
  const { rows } = await db.query<RetentionStep>({
    name: 'retain-step',
    text: `
      select did, of_table as table, of_day as day, done_rows as rows
      from retain_step(coalesce($1::date, (now() at time zone 'utc')::date), $2)`,
    values: [today ?? null, skipped],
  })
  return rows[0] ?? { did: 'nothing', table: null, day: null, rows: 0 }
}
