import type { Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  buildClaims,
  type ClaimKey,
  changeWhileWaited,
  openGeneric,
  takeAllWhileWaited,
  threeRecipients,
  touch,
  usageOf,
} from '../../test/lock-waits.ts'
import { stateOfSent } from '../../test/sent-message.ts'
import { type OutcomeRecord, recordOutcomes } from './sql/record-outcomes.ts'
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

const refused = (claim: ClaimKey, { pooled = false, again = false } = {}): OutcomeRecord => ({
  ...claim,
  mode: 'live',
  stream: 'transactional',
  usageDay: new Date().toISOString().slice(0, 10),
  attempt: {
    number: 1,
    connectionId: newId(),
    provider: 'smtp',
    startedAt: new Date(),
    outcome: 'rejected',
    scope: 'message',
    code: 'recipient-refused',
    reason: '550',
    choice: null,
    providerMessageId: null,
    positions: [0, 1, 2],
  },
  changes: threeRecipients.map((_, position) => ({
    position,
    status: 'failed',
    reason: '550',
    event: 'recipient.failed',
  })),
  retryInMs: again ? 60_000 : null,
  giveBack: again ? 0 : 3,
  ...(pooled && { pool: { byPool: true, holds: false } }),
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

test.each(
  (['a row of usage', 'a message', 'the backlog', 'a recipient'] as const).flatMap((locked) => [
    { locked, by: 'an own connection' },
    { locked, by: 'the pool' },
  ]),
)(
  'outcomes of each message sent by $by are recorded and given back, though $locked was locked',
  async ({ locked, by }) => {
    const claims = await buildClaims(db, 3)
    const [first] = claims
    if (!first) throw new Error('nothing was claimed')
    const pooled = by === 'the pool'
    if (pooled) await takePoolShares(pool, claims)
    const records = claims.map((claim) => refused(claim, { pooled }))
    const change = { text: touch[locked], values: [first.tenantId, first.messageId] }
    await changeWhileWaited(db, change, () => recordOutcomes(pool, records))
    expect(await usageOf(db, first.tenantId)).toEqual([{ accepted: 0, pool: 0 }])
    for (const { messageId } of claims)
      expect(await stateOfSent(db.pool, messageId)).toMatchObject({
        statuses: ['failed', 'failed', 'failed'],
      })
  },
)

test.each([
  { name: 'shares of the pool are taken', work: (claim: ClaimKey) => takePoolShares(pool, [claim]) },
  { name: 'an outcome is recorded', work: (claim: ClaimKey) => recordOutcomes(pool, [refused(claim)]) },
  {
    name: 'an outcome of the pool is recorded',
    work: (claim: ClaimKey) => recordOutcomes(pool, [refused(claim, { pooled: true })]),
  },
])('the backlog is locked before all else of a message when $name', async ({ work }) => {
  const [claim] = await buildClaims(db, 1)
  if (!claim) throw new Error('nothing was claimed')
  await takeAllWhileWaited<unknown>(db, claim, () => work(claim))
})

test('rows of the backlog are locked in the order of ids, though some messages are done and some are not', async () => {
  const [first, second] = (await buildClaims(db, 2)).sort((a, b) => (a.messageId < b.messageId ? -1 : 1))
  if (!first || !second) throw new Error('nothing was claimed')
  const [one, other] = [first, second].map(({ tenantId, messageId }) => ({
    text: touch['the backlog'],
    values: [tenantId, messageId],
  }))
  if (!one || !other) throw new Error('no change')
  const records = [refused(first, { again: true }), refused(second)]
  await changeWhileWaited(db, one, () => recordOutcomes(pool, records), [other])
  const { rows } = await db.pool.query({
    text: 'select state from outbox where message_id = any ($1)',
    values: [[first.messageId, second.messageId]],
  })
  expect(rows).toEqual([{ state: 'waiting' }])
})

const sent = (claim: ClaimKey, { pooled = false, captured = false }): OutcomeRecord => ({
  ...refused(claim, { pooled }),
  attempt: {
    number: 1,
    connectionId: newId(),
    provider: captured ? 'capture' : 'smtp',
    startedAt: new Date(),
    outcome: 'accepted',
    scope: null,
    code: null,
    reason: null,
    choice: null,
    providerMessageId: claim.messageId,
    positions: [0, 1, 2],
  },
  changes: threeRecipients.map((_, position) => ({
    position,
    status: 'sent',
    reason: null,
    event: 'recipient.sent',
  })),
  giveBack: 0,
})

test.each([
  { mail: 'captured mail', captured: true, counts: { captured: 3, carried: 0 } },
  { mail: 'mail of the pool', pooled: true, counts: { captured: 0, carried: 3 } },
  { mail: 'captured mail of the pool', captured: true, pooled: true, counts: { captured: 3, carried: 3 } },
])('$mail becomes sent for each recipient, though one was locked', async ({ counts, ...by }) => {
  const claims = await buildClaims(db, 3)
  const [first] = claims
  if (!first) throw new Error('nothing was claimed')
  const change = { text: touch['a recipient'], values: [first.tenantId, first.messageId] }
  const records = claims.map((claim) => sent(claim, by))
  await changeWhileWaited(db, change, () => recordOutcomes(pool, records))
  for (const { messageId } of claims)
    expect(await stateOfSent(db.pool, messageId)).toMatchObject({ statuses: ['sent', 'sent', 'sent'] })
  const { rows } = await db.pool.query({
    text: `select (select count(*)::int4 from provider_event where tenant_id = $1 and provider = 'capture') as captured,
                  (select count(*)::int4 from pool_message where tenant_id = $1) as carried`,
    values: [first.tenantId],
  })
  expect(rows).toEqual([counts])
})

test('no function in the database joins partitions by the id of another row within a range', async () => {
  const { rows } = await db.pool.query({
    text: String.raw`
      select proname from pg_proc
      where pronamespace = current_schema()::regnamespace and prosrc ~ '(id|message_id) = (k|m|a|b|c|p)\.(id|message_id)[^;]{0,160} between'`,
  })
  expect(rows).toEqual([])
})
