import type { Queryable } from '@lettergate/db/pool'

/** Takes away deliveries whose event or endpoint is gone. */
export async function dropDeliveries(
  db: Queryable,
  rows: readonly { id: string; epoch: number }[],
): Promise<void> {
  if (rows.length === 0) return
  await db.query({
    name: 'drop-deliveries',
    text: `
      delete from delivery where id in (
        select d.id from delivery d join unnest($1::uuid[], $2::int8[]) as r (id, epoch) using (id, epoch) order by d.id for update of d)`,
    values: [rows.map(({ id }) => id), rows.map(({ epoch }) => epoch)],
  })
}
