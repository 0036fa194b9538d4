import type { Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { acceptMessages } from '../src/accept/index.ts'
import { recordOutcomes } from '../src/deliver/sql/record-outcomes.ts'
import { type PoolAsk, takePoolShares } from '../src/deliver/sql/take-pool-shares.ts'
import { cancelMessage } from '../src/messages/sql/cancel-message.ts'
import { ensureUsage } from '../src/usage/index.ts'
import { changeWhileWaited, openGeneric } from './lock-waits.ts'
import { buildRow, buildTenant, buildUnit } from './rows.ts'
import { stateOfSent } from './sent-message.ts'

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

const recipients = ['a', 'b', 'c'].map((name) => ({
  kind: 'to' as const,
  address: `${name}@example.net`,
  name: null,
}))

/** Messages of three recipients, claimed by a worker. */
async function buildClaims(count: number): Promise<PoolAsk[]> {
  const tenantId = await buildTenant(db.pool)
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  const rows = Array.from({ length: count }, () => buildRow({ recipients }))
  await acceptMessages(db.pool, [buildUnit(tenantId, rows)])
  const { rows: claims } = await db.pool.query<PoolAsk>({
    text: `update outbox set state = 'claimed', epoch = nextval('claim_epoch'), lease_until = now() + interval '1 minute'
           where tenant_id = $1 returning tenant_id as "tenantId", message_id as "messageId", epoch`,
    values: [tenantId],
  })
  return claims
}

async function usageOf(tenantId: string) {
  const { rows } = await db.pool.query({
    text: 'select accepted, pool from usage where tenant_id = $1',
    values: [tenantId],
  })
  return rows
}

const touch = {
  'a row of usage': 'update usage set accepted = accepted where tenant_id = $1 and $2::uuid is not null',
  'a message': 'update message set subject = subject where tenant_id = $1 and id = $2',
  'the backlog': 'update outbox set due_at = due_at where tenant_id = $1 and message_id = $2',
  'a recipient':
    'update recipient set updated_at = now() where tenant_id = $1 and message_id = $2 and position = 0',
} as const

test.each(['a row of usage', 'a message', 'the backlog'] as const)(
  'shares of the pool are taken for each message, though %s was locked',
  async (locked) => {
    const asks = await buildClaims(3)
    const [first] = asks
    if (!first) throw new Error('nothing was claimed')
    const change = { text: touch[locked], values: [first.tenantId, first.messageId] }
    const shares = await changeWhileWaited(db, change, () => takePoolShares(pool, asks))
    expect(shares.map(({ kind }) => kind)).toEqual(['counted', 'counted', 'counted'])
    expect(await usageOf(first.tenantId)).toEqual([{ accepted: 9, pool: 9 }])
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
    const claims = await buildClaims(3)
    const [first] = claims
    if (!first) throw new Error('nothing was claimed')
    const { rows } = await db.pool.query<{ day: string }>({
      text: 'select day::text from usage where tenant_id = $1',
      values: [first.tenantId],
    })
    const records = claims.map((claim) => ({
      ...claim,
      ...{ mode: 'live' as const, stream: 'transactional' as const, usageDay: rows[0]?.day ?? '' },
      attempt: {
        ...{ number: 1, connectionId: newId(), provider: 'smtp', startedAt: new Date() },
        ...{ outcome: 'rejected' as const, scope: 'message' as const, code: 'recipient-refused', reason: '550' },
        ...{ choice: null, providerMessageId: null, positions: [0, 1, 2] },
      },
      changes: recipients.map((_, position) => ({
        ...{ position, status: 'failed' as const, reason: '550', event: 'recipient.failed' as const },
      })),
      ...{ retryInMs: null, giveBack: 3 },
    }))
    const change = { text: touch[locked], values: [first.tenantId, first.messageId] }
    await changeWhileWaited(db, change, () => recordOutcomes(pool, records))
    expect(await usageOf(first.tenantId)).toEqual([{ accepted: 0, pool: 0 }])
    for (const { messageId } of claims)
      expect(await stateOfSent(db.pool, messageId)).toMatchObject({ statuses: ['failed', 'failed', 'failed'] })
  },
)

test.each(['a row of usage', 'a message', 'the backlog', 'a recipient'] as const)(
  'a message is cancelled for all its recipients, though %s was locked',
  async (locked) => {
    const [claim] = await buildClaims(1)
    if (!claim) throw new Error('nothing was claimed')
    const { tenantId, messageId: id } = claim
    await changeWhileWaited(db, { text: touch[locked], values: [tenantId, id] }, () =>
      cancelMessage(pool, { tenantId, id }),
    )
    expect(await usageOf(tenantId)).toEqual([{ accepted: 0, pool: 0 }])
    expect(await stateOfSent(db.pool, id)).toEqual({
      statuses: ['cancelled', 'cancelled', 'cancelled'],
      events: expect.arrayContaining(['recipient.cancelled']),
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
