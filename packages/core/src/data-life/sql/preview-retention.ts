import type { Queryable } from '@lettergate/db/pool'

/** A day of a table of which something would go. `keptRows` is counted up to 20,001. */
export type DueDay = {
  table: string
  day: string
  bytes: number
  rows: number
  keptRows: number
  action: 'drop' | 'copy what stays, drop the rest' | 'delete rows'
}

/** What the next run of retention would do. */
export async function previewRetention(db: Queryable, today?: string): Promise<DueDay[]> {
  const { rows } = await db.query<DueDay>({
    name: 'preview-retention',
    text: `
      select parent as table, day, bytes, all_rows as rows, kept_rows as "keptRows", action
      from preview_retention(coalesce($1::date, (now() at time zone 'utc')::date))`,
    values: [today ?? null],
  })
  return rows
}

/** When retention begins, and the database's time. */
export async function readRetentionStart(db: Queryable): Promise<{ startsAt: Date; hasBegun: boolean }> {
  const { rows } = await db.query<{ startsAt: Date; hasBegun: boolean }>({
    name: 'read-retention-start',
    text: 'select starts_at as "startsAt", starts_at <= now() as "hasBegun" from retention',
    values: [],
  })
  return rows[0] ?? { startsAt: new Date(), hasBegun: true }
}
