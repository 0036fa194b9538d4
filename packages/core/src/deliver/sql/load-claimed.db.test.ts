import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRow, buildTenant, buildUnit } from '../../../test/rows.ts'
import { acceptMessages } from '../../accept/index.ts'
import { type Claim, claimMessages, FIRST_TENANT } from '../../dispatch/index.ts'
import { ensureUsage } from '../../usage/index.ts'
import { loadClaimed } from './load-claimed.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

async function claimedMessage(): Promise<Claim> {
  const tenantId = await buildTenant(db.pool)
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  const recipients = [
    { kind: 'to' as const, address: 'first@example.net', name: null },
    { kind: 'bcc' as const, address: 'second@example.net', name: 'Second' },
  ]
  await acceptMessages(db.pool, [buildUnit(tenantId, [buildRow({ recipients })])])
  const { claims } = await claimMessages(db.pool, {
    depth: 1_000,
    afterTenant: FIRST_TENANT,
    tenantsMax: 50,
    leaseMs: 60_000,
  })
  const claim = claims.find((one) => one.tenantId === tenantId)
  if (!claim) throw new Error('nothing was claimed')
  return claim
}

const untimed = ([message]: Awaited<ReturnType<typeof loadClaimed>>) => ({
  ...message,
  expiresInMs: 0,
  document: { text: message?.document.text },
})

test('the content document of a message equals its rows', async () => {
  const claim = await claimedMessage()
  const first = untimed(await loadClaimed(db.pool, [claim], 'claimed'))
  await db.pool.query({
    text: 'update outbox set accepted_at = null where message_id = $1',
    values: [claim.messageId],
  })
  const stored = untimed(await loadClaimed(db.pool, [claim], 'claimed'))
  expect(first).toEqual(stored)
  expect(first.recipients?.map(({ address }) => address)).toEqual(['first@example.net', 'second@example.net'])
})

test("retries end at the tenant's own limit", async () => {
  const claim = await claimedMessage()
  const limit = async () => {
    const [message] = await loadClaimed(db.pool, [claim], 'claimed')
    return { hours: message?.retryHours, left: Math.round((message?.expiresInMs ?? 0) / 3_600_000) }
  }
  expect(await limit()).toEqual({ hours: 72, left: 72 })
  await db.pool.query({
    text: 'update tenant set retry_hours = 48 where id = $1',
    values: [claim.tenantId],
  })
  expect(await limit()).toEqual({ hours: 48, left: 48 })
})

test('a message that an earlier version accepted is loaded from its rows', async () => {
  const claim = await claimedMessage()
  await db.pool.query({
    text: `with earlier as (update outbox set accepted_at = null where message_id = $1)
           update message_content set document = '{"text":"Hello"}' where message_id = $1`,
    values: [claim.messageId],
  })
  const [message] = await loadClaimed(db.pool, [claim], 'claimed')
  expect(message).toMatchObject({ fromAddress: 'app@acme.example', document: { text: 'Hello' }, attempts: 0 })
})

test('after an outcome was recorded for a message, its recipients are read as they are now', async () => {
  const claim = await claimedMessage()
  await db.pool.query({
    text: `with again as (update outbox set accepted_at = null where message_id = $1)
           update recipient set status = 'sent' where message_id = $1 and position = 0`,
    values: [claim.messageId],
  })
  const [message] = await loadClaimed(db.pool, [claim], 'claimed')
  expect(message?.recipients.map(({ status }) => status)).toEqual(['sent', 'queued'])
})

test('a message without rows does not stop the others of its batch', async () => {
  const [lost, whole] = [await claimedMessage(), await claimedMessage()]
  await db.pool.query({
    text: `with earlier as (update outbox set accepted_at = null where message_id = $1)
           delete from message where id = $1`,
    values: [lost.messageId],
  })
  const loaded = await loadClaimed(db.pool, [lost, whole], 'claimed')
  expect(loaded.map((message) => message.messageId)).toEqual([whole.messageId])
})
