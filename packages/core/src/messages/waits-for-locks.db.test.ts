import { inTransaction, type Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
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
import { buildSent, stateOfSent } from '../../test/sent-message.ts'
import { failPinned } from '../connections/index.ts'
import { cancelMessage } from './sql/cancel-message.ts'
import { lockForRetry } from './sql/lock-for-retry.ts'
import { resolveRecipient } from './sql/resolve-recipient.ts'

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

test.each(['a row of usage', 'a message', 'the backlog', 'a recipient'] as const)(
  'a message is cancelled for all its recipients, though %s was locked',
  async (locked) => {
    const [claim] = await buildClaims(db, 1)
    if (!claim) throw new Error('nothing was claimed')
    const { tenantId, messageId: id } = claim
    await changeWhileWaited(db, { text: touch[locked], values: [tenantId, id] }, () =>
      cancelMessage(pool, { tenantId, id }),
    )
    expect(await usageOf(db, tenantId)).toEqual([{ accepted: 0, pool: 0 }])
    expect(await stateOfSent(db.pool, id)).toEqual({
      statuses: ['cancelled', 'cancelled', 'cancelled'],
      events: expect.arrayContaining(['recipient.cancelled']),
    })
  },
)

const asNotSent = { status: 'failed', event: 'recipient.failed', reason: 'You said so.' } as const

test.each([
  {
    name: 'it is cancelled',
    work: ({ tenantId, messageId: id }: ClaimKey) => cancelMessage(pool, { tenantId, id }),
  },
  {
    name: 'it is retried',
    work: ({ tenantId, messageId: id }: ClaimKey) =>
      inTransaction(pool, (client) => lockForRetry(client, { tenantId, id })),
  },
  {
    name: 'a recipient is resolved',
    work: ({ tenantId, messageId: id }: ClaimKey) =>
      resolveRecipient(pool, { tenantId, id }, 'a@example.net', asNotSent),
  },
])('the backlog is locked before all else of a message when $name', async ({ work }) => {
  const [claim] = await buildClaims(db, 1)
  if (!claim) throw new Error('nothing was claimed')
  await takeAllWhileWaited<unknown>(db, claim, () => work(claim))
})

test('a recipient is resolved beside a retry of a message that left the backlog', async () => {
  const sent = await buildSent(db.pool, ['a@example.net'], { outcome: 'unknown', status: 'unknown' })
  const values = [sent.tenantId, sent.id]
  const before = await changeWhileWaited(
    db,
    { text: touch['a message'], values },
    () => resolveRecipient(pool, sent, 'a@example.net', asNotSent),
    [{ text: touch['a recipient'], values }],
  )
  expect(before).toBe('unknown')
})

test.each(['a row of usage', 'a message', 'a recipient'] as const)(
  'a recipient that was not sent leaves the quota, though %s was locked',
  async (locked) => {
    const addresses = threeRecipients.map(({ address }) => address)
    const sent = await buildSent(db.pool, addresses, { outcome: 'unknown', status: 'unknown' })
    const change = { text: touch[locked], values: [sent.tenantId, sent.id] }
    const [address = ''] = addresses
    const resolution = { status: 'failed', event: 'recipient.failed', reason: 'not sent' } as const
    await changeWhileWaited(db, change, () => resolveRecipient(pool, sent, address, resolution))
    expect(await usageOf(db, sent.tenantId)).toEqual([{ accepted: 2, pool: 0 }])
    expect((await stateOfSent(db.pool, sent.id)).statuses).toEqual(['failed', 'unknown', 'unknown'])
  },
)

test.each(['a row of usage', 'a message', 'the backlog', 'a recipient'] as const)(
  'messages of a connection that is deleted fail for each recipient, though %s was locked',
  async (locked) => {
    const claims = await buildClaims(db, 3)
    const { tenantId = '', messageId = '' } = claims[0] ?? {}
    const ids = claims.map((claim) => claim.messageId)
    const change = { text: touch[locked], values: [tenantId, messageId] }
    const ended = await changeWhileWaited(db, change, () => failPinned(pool, tenantId, ids, 'deleted'))
    expect(ended).toBe(3)
    expect(await usageOf(db, tenantId)).toEqual([{ accepted: 0, pool: 0 }])
    for (const id of ids)
      expect((await stateOfSent(db.pool, id)).statuses).toEqual(['failed', 'failed', 'failed'])
  },
)
