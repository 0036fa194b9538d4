import { toPublicId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createCapture } from '@lettergate/providers/capture/index'
import { toEvent } from '@lettergate/providers/lib/to-event'
import type { Provider } from '@lettergate/providers/provider'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { buildPoolBed, proveDomains } from '../../test/pool-bed.ts'
import { noFailpoint, POOL_TENANT_ID } from '../lib/index.ts'
import { applyTurn } from './apply-turn.ts'
import { insertProviderEvents } from './sql/insert-provider-events.ts'

let db: TestDatabase
let bed: Awaited<ReturnType<typeof buildPoolBed>>
beforeEach(async () => {
  db = await createTestDatabase()
  await proveDomains(db, 'acme.example')
  bed = await buildPoolBed(db)
})
afterEach(() => bed.stop())
afterAll(() => db.drop())

test('what the pool sends is counted by hour, and an event of its provider finds the tenant, once', async () => {
  await bed.accept(['a@example.net'], ['b@example.net'])
  await bed.run()
  const { rows } = await db.pool.query<{ id: string }>({
    text: 'select message_id as id from recipient where address = $1',
    values: ['a@example.net'],
  })
  const messageId = toPublicId('msg', rows[0]?.id ?? '')
  // Its reason is cut in the middle of a character, of which Postgres would read no field.
  const given = {
    id: 'e-1',
    at: undefined,
    recipient: 'a@example.net',
    messageId,
    reason: `${'x'.repeat(499)}😀`,
  }
  const bounced = toEvent({ kind: 'bounced', bounce: 'hard' }, given, new Date())
  const capture = createCapture()
  if (!capture.events) throw new Error('the capture provider has events')
  const events = [bounced]
  const shared: Provider = { ...capture, events: { ...capture.events, parse: () => [{ events, unread: 0 }] } }
  const deps = { pool: db.batch, providers: { shared }, failpoint: noFailpoint }
  for (let repeat = 0; repeat < 2; repeat++) {
    await insertProviderEvents(db.batch, [
      {
        tenantId: POOL_TENANT_ID,
        connectionId: bed.ids.pool,
        provider: 'shared',
        headers: '{}',
        body: Buffer.from('x'),
      },
    ])
    const { applied } = await applyTurn(deps, { limit: 10 })
    expect(applied).toMatchObject({ applied: 1 - repeat, foreign: 0 })
  }
  expect(await bed.statuses()).toEqual({ sent: 1, bounced: 1 })
  const { rows: hours } = await db.pool.query({
    text: 'select tenant_id, handed, bounced_hard, complained, unseen from reputation_hour',
  })
  expect(hours).toEqual([{ tenant_id: bed.tenantId, handed: 2, bounced_hard: 1, complained: 0, unseen: 1 }])
})
