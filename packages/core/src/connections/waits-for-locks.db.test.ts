import { inTransaction, type Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildClaims, openGeneric, takeAllWhileWaited } from '../../test/lock-waits.ts'
import { failPinned } from './sql/fail-pinned.ts'
import { unpin } from './sql/unpin.ts'

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

test.each([
  {
    name: 'move',
    settle: (tenantId: string, connectionId: string, id: string) =>
      inTransaction(pool, (client) => unpin(client, tenantId, connectionId, [id])),
  },
  {
    name: 'fail',
    settle: (tenantId: string, _: string, id: string) => failPinned(pool, tenantId, [id], 'deleted'),
  },
])(
  'the backlog is locked before all else of a message when its connection is deleted: $name',
  async ({ settle }) => {
    const [claim] = await buildClaims(db, 1)
    if (!claim) throw new Error('nothing was claimed')
    const connectionId = newId()
    await db.pool.query({
      text: 'update message set connection_id = $2 where id = $1',
      values: [claim.messageId, connectionId],
    })
    const settled = await takeAllWhileWaited(db, claim, () =>
      settle(claim.tenantId, connectionId, claim.messageId),
    )
    expect(settled).toBe(1)
  },
)
