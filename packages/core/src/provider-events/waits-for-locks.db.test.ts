import type { Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changeWhileWaited, openGeneric } from '../../test/lock-waits.ts'
import { buildSent, postmarkBody, type SentMessage, stateOfSent } from '../../test/sent-message.ts'
import { noFailpoint } from '../lib/index.ts'
import { applyTurn } from './apply-turn.ts'
import { insertProviderEvents } from './sql/insert-provider-events.ts'

let db: TestDatabase
let pool: Pool
beforeAll(async () => {
  db = await createTestDatabase()
  pool = await openGeneric(db)
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

test.each([
  {
    name: 'a recipient',
    change: `update recipient set updated_at = now() where message_id = $1 and position = 0`,
  },
  { name: 'the backlog', change: `update outbox set due_at = now() where message_id = $1` },
])('events are applied by a statement that had to wait for $name', async ({ change }) => {
  const sent = await buildSent(db.pool, ADDRESSES, { backlog: 'ready' })
  await report(sent)
  await changeWhileWaited(db, { text: change, values: [sent.id] }, () =>
    applyTurn({ pool, providers, failpoint: noFailpoint }, { limit: 10 }),
  )
  expect((await stateOfSent(db.pool, sent.id)).statuses).toEqual(['delivered', 'delivered', 'delivered'])
})
