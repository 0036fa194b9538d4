import type { Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildClaims, changeWhileWaited, openGeneric, touch, usageOf } from '../../test/lock-waits.ts'
import { stateOfSent } from '../../test/sent-message.ts'
import { cancelMessage } from './sql/cancel-message.ts'

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
