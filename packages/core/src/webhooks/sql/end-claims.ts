import type { Queryable } from '@lettergate/db/pool'

/** A delivery, and the epoch by which a worker has it. */
type Claim = { id: string; epoch: number }

/** Deliveries whose worker was lost are due again. */
export async function releaseExpiredDeliveries(db: Queryable, limit: number): Promise<number> {
  const { rowCount } = await db.query({
    name: 'release-deliveries',
    text: `
      update delivery set state = 'waiting', lease_until = null
      where id in (
        select id from delivery where state = 'claimed' and lease_until < now() limit $1 for update skip locked)`,
    values: [limit],
  })
  return rowCount ?? 0
}

/** Makes the events of a list deliveries of their own, due now: one of them is gone, so there is no such list any more. */
export async function dissolveList(db: Queryable, { id, epoch }: Claim): Promise<void> {
  await db.query({
    name: 'dissolve-delivery-list',
    text: `
      update delivery set list_id = null, list_place = null, state = 'waiting', lease_until = null, due_at = now()
      where id in (select id from delivery where list_id = $1 and epoch = $2 order by id for update)`,
    values: [id, epoch],
  })
}

/** Gives back what was not tried. */
export async function giveBackDeliveries(db: Queryable, rows: readonly Claim[]): Promise<void> {
  if (rows.length === 0) return
  await db.query({
    name: 'give-back-deliveries',
    text: `
      update delivery set state = 'waiting', lease_until = null
      where id in (
        select d.id from delivery d join unnest($1::uuid[], $2::int8[]) as r (id, epoch) using (id, epoch)
        where d.state = 'claimed' order by d.id for update of d)`,
    values: [rows.map(({ id }) => id), rows.map(({ epoch }) => epoch)],
  })
}

/** Takes away deliveries whose event or endpoint is gone. */
export async function dropDeliveries(db: Queryable, rows: readonly Claim[]): Promise<void> {
  if (rows.length === 0) return
  await db.query({
    name: 'drop-deliveries',
    text: `
      delete from delivery where id in (
        select d.id from delivery d join unnest($1::uuid[], $2::int8[]) as r (id, epoch) using (id, epoch) order by d.id for update of d)`,
    values: [rows.map(({ id }) => id), rows.map(({ epoch }) => epoch)],
  })
}
