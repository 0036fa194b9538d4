import type { Queryable } from '@lettergate/db/pool'

/** Leaves an endpoint alone for a while, unless it is for longer already. */
export async function pauseState(db: Queryable, id: string, ms: number): Promise<void> {
  await db.query({
    name: 'pause-endpoint',
    text: `
      update endpoint_state set paused_until = greatest(paused_until, now() + $2::float8 * interval '1 ms') where id = $1`,
    values: [id, ms],
  })
}
