import type { Pool, PoolClient } from '@lettergate/db/pool'

/** Work on a connection that does not wait for the disk: for filling tables, never for what is measured. */
export async function quickSession<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query(
      "set synchronous_commit = off; set work_mem = '256MB'; set maintenance_work_mem = '256MB'; set plan_cache_mode = auto; set statement_timeout = 0",
    )
    return await work(client)
  } finally {
    await client.query('reset all')
    client.release()
  }
}
