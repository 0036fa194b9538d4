import type { Queryable } from '@lettergate/db/pool'
import { WORKER_LOCK_CLASS } from '@lettergate/db/worker-sign'

/** Lists workers of which Postgres has a session. */
export async function listLiveWorkers(db: Queryable): Promise<number[]> {
  const { rows } = await db.query<{ worker: number }>({
    name: 'list-live-workers',
    text: `
      select distinct objid::int8 as worker from pg_locks
      where locktype = 'advisory' and objsubid = 2 and granted and classid::int8 = $1::int8
        and database = (select oid from pg_database where datname = current_database())`,
    values: [WORKER_LOCK_CLASS],
  })
  return rows.map(({ worker }) => worker)
}
