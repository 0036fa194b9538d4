import type { Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  buildClaims,
  changeWhileWaited,
  openGeneric,
  threeRecipients,
  touch,
  usageOf,
} from '../../test/lock-waits.ts'
import { stateOfSent } from '../../test/sent-message.ts'
import { recordOutcomes } from './sql/record-outcomes.ts'
import { takePoolShares } from './sql/take-pool-shares.ts'

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

test.each(['a row of usage', 'a message', 'the backlog'] as const)(
  'shares of the pool are taken for each message, though %s was locked',
  async (locked) => {
    const asks = await buildClaims(db, 3)
    const [first] = asks
    if (!first) throw new Error('nothing was claimed')
    const change = { text: touch[locked], values: [first.tenantId, first.messageId] }
    const shares = await changeWhileWaited(db, change, () => takePoolShares(pool, asks))
    expect(shares.map(({ kind }) => kind)).toEqual(['counted', 'counted', 'counted'])
    expect(await usageOf(db, first.tenantId)).toEqual([{ accepted: 9, pool: 9 }])
    const { rows } = await db.pool.query({
      text: 'select pool_n from message where tenant_id = $1',
      values: [first.tenantId],
    })
    expect(rows.map(({ pool_n }) => pool_n)).toEqual([3, 3, 3])
  },
)

test.each(['a row of usage', 'a message', 'the backlog', 'a recipient'] as const)(
  'outcomes of each message are recorded and given back, though %s was locked',
  async (locked) => {
    const claims = await buildClaims(db, 3)
    const [first] = claims
    if (!first) throw new Error('nothing was claimed')
    const { rows } = await db.pool.query<{ day: string }>({
      text: 'select day::text from usage where tenant_id = $1',
      values: [first.tenantId],
    })
    const usageDay = rows[0]?.day ?? ''
    const records = claims.map((claim) => ({
      ...claim,
      mode: 'live' as const,
      stream: 'transactional' as const,
      usageDay,
      attempt: {
        number: 1,
        connectionId: newId(),
        provider: 'smtp',
        startedAt: new Date(),
        outcome: 'rejected' as const,
        scope: 'message' as const,
        code: 'recipient-refused',
        reason: '550',
        choice: null,
        providerMessageId: null,
        positions: [0, 1, 2],
      },
      changes: threeRecipients.map((_, position) => ({
        position,
        status: 'failed' as const,
        reason: '550',
        event: 'recipient.failed' as const,
      })),
      retryInMs: null,
      giveBack: 3,
    }))
    const change = { text: touch[locked], values: [first.tenantId, first.messageId] }
    await changeWhileWaited(db, change, () => recordOutcomes(pool, records))
    expect(await usageOf(db, first.tenantId)).toEqual([{ accepted: 0, pool: 0 }])
    for (const { messageId } of claims)
      expect(await stateOfSent(db.pool, messageId)).toMatchObject({
        statuses: ['failed', 'failed', 'failed'],
      })
  },
)

test('no function in the database joins partitions by the id of another row within a range', async () => {
  const { rows } = await db.pool.query({
    text: String.raw`
      select proname from pg_proc
      where pronamespace = current_schema()::regnamespace and prosrc ~ '(id|message_id) = (k|m|a|b|c|p)\.(id|message_id)[^;]{0,160} between'`,
  })
  expect(rows).toEqual([])
})
