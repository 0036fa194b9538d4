import { createPool, type Pool } from '@lettergate/db/pool'
import type { TestDatabase } from '@lettergate/db/test/database'
import { expect } from 'vitest'

/** One connection with plans as after some runs: only such a plan leaves out partitions when it starts. */
export async function openGeneric({ url }: { url: string }): Promise<Pool> {
  const pool = createPool({ url, max: 1, applicationName: 'lettergate-test', onError: () => undefined })
  await pool.query({ text: 'set plan_cache_mode = force_generic_plan' })
  return pool
}

/** Changes a row in a transaction that ends only when a statement of `work` waits for it. Answers what the work did. */
export async function changeWhileWaited<T>(
  db: TestDatabase,
  change: { text: string; values: unknown[] },
  work: () => Promise<T>,
): Promise<T> {
  const other = await db.pool.connect()
  try {
    await other.query('begin')
    const { rowCount } = await other.query(change)
    expect(rowCount).toBe(1)
    const working = work()
    await expect
      .poll(async () => {
        const { rows } = await db.pool.query<{ waits: number }>({
          text: `select count(*)::int4 as waits from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        })
        return rows[0]?.waits
      })
      .toBe(1)
    await other.query('commit')
    return await working
  } finally {
    other.release()
  }
}
