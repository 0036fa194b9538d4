import { createPool, type Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildSent, postmarkBody, type SentMessage, stateOfSent } from '../../test/sent-message.ts'
import { noFailpoint } from '../lib/index.ts'
import { applyTurn } from './apply-turn.ts'
import { insertProviderEvents } from './sql/insert-provider-events.ts'

let db: TestDatabase
let pool: Pool
beforeAll(async () => {
  db = await createTestDatabase()
  pool = createPool({ url: db.url, max: 1, applicationName: 'lettergate-test', onError: () => undefined })
  // As after some runs: only such a plan leaves out partitions when it starts.
  await pool.query({ text: 'set plan_cache_mode = force_generic_plan' })
})
afterAll(async () => {
  await pool.end()
  await db.drop()
})

const ADDRESSES = ['a@example.net', 'b@example.net', 'c@example.net']
const providers = createProviders()

async function report(sent: SentMessage): Promise<void> {
  const at = new Date(Date.UTC(2026, 10, 1, 12))
  await insertProviderEvents(
    db.batch,
    ADDRESSES.map((address) => ({
      ...sent,
      provider: 'postmark',
      headers: '{}',
      body: postmarkBody('delivered', sent, { at, address }),
    })),
  )
}

/** Changes a row and ends only when a statement of the pool waits for it. */
async function changeWhileWaited(change: { text: string; values: unknown[] }, work: () => Promise<unknown>) {
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
    await working
  } finally {
    other.release()
  }
}

test.each([
  {
    name: 'a recipient',
    change: `update recipient set updated_at = now() where message_id = $1 and position = 0`,
  },
  { name: 'the backlog', change: `update outbox set due_at = now() where message_id = $1` },
])('events are applied by a statement that had to wait for $name', async ({ change }) => {
  const sent = await buildSent(db.pool, ADDRESSES, { backlog: 'ready' })
  await report(sent)
  await changeWhileWaited({ text: change, values: [sent.id] }, () =>
    applyTurn({ pool, providers, failpoint: noFailpoint }, { limit: 10 }),
  )
  expect((await stateOfSent(db.pool, sent.id)).statuses).toEqual(['delivered', 'delivered', 'delivered'])
})
