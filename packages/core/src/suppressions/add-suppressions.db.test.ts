import { randomUUID } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildTenant } from '../../test/rows.ts'
import { addSuppressions } from './sql/add-suppressions.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

type Row = { address: string; stream?: string; reason?: string; messageId?: string }

async function add(tenantId: string, rows: Row[]): Promise<void> {
  await db.pool.query({
    text: `with given as (
        select tenant_id, mode, address, stream, reason, message_id
        from json_to_recordset($1) as g(tenant_id uuid, mode text, address text, stream text, reason text, message_id uuid)
      ), ${addSuppressions('select * from given')} select from given`,
    values: [
      JSON.stringify(
        rows.map(({ address, stream = '*', reason = 'hard_bounce', messageId = randomUUID() }) => ({
          tenant_id: tenantId,
          mode: 'live',
          address,
          stream,
          reason,
          message_id: messageId,
        })),
      ),
    ],
  })
}

async function list(tenantId: string): Promise<unknown[]> {
  const { rows } = await db.pool.query({
    text: `select address, stream, reason, message_id as "messageId", expires_at as "expiresAt" from suppression
           where tenant_id = $1 order by address, stream`,
    values: [tenantId],
  })
  return rows
}

test('an address is listed once for each stream, in lower case, and the older reason stays', async () => {
  const tenantId = await buildTenant(db.pool)
  const messageId = '00000000-0000-7000-8000-000000000001'
  await add(tenantId, [
    { address: 'Ann@example.net', messageId },
    { address: 'ann@example.net', messageId: 'ffffffff-0000-7000-8000-000000000001' },
    { address: 'ann@example.net', stream: 'bulk', reason: 'unsubscribe', messageId },
  ])
  await add(tenantId, [{ address: 'ANN@example.net', reason: 'complaint' }])
  expect(await list(tenantId)).toEqual([
    { address: 'ann@example.net', stream: '*', reason: 'hard_bounce', messageId, expiresAt: null },
    { address: 'ann@example.net', stream: 'bulk', reason: 'unsubscribe', messageId, expiresAt: null },
  ])
})

test('an entry that would have ended stays for good once an event has a reason for it', async () => {
  const tenantId = await buildTenant(db.pool)
  await db.pool.query({
    text: `insert into suppression (tenant_id, mode, address, stream, reason, note, expires_at)
           values ($1, 'live', 'ann@example.net', '*', 'manual', 'holidays', now() + interval '1 day')`,
    values: [tenantId],
  })
  const messageId = randomUUID()
  await add(tenantId, [{ address: 'ann@example.net', messageId }])
  expect(await list(tenantId)).toEqual([
    { address: 'ann@example.net', stream: '*', reason: 'hard_bounce', messageId, expiresAt: null },
  ])
})

test('an address of the sandbox is never listed by an event', async () => {
  const tenantId = await buildTenant(db.pool)
  await add(tenantId, [{ address: 'Bounced+1@SANDBOX.lettergate.dev' }])
  expect(await list(tenantId)).toEqual([])
})
