import type { Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  buildClaims,
  changeWhileWaited,
  openGeneric,
  threeRecipients,
  touch,
  usageOf,
} from '../../test/lock-waits.ts'
import { buildSent, stateOfSent } from '../../test/sent-message.ts'
import { failPinned } from '../connections/index.ts'
import { cancelMessage } from './sql/cancel-message.ts'
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
