import { randomBytes } from 'node:crypto'
import { createPool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/testing'
import { buildTenant } from '@lettergate/db/testing-rows'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AcceptRequest, createAcceptor } from './accept.ts'
import { type Failpoint, noFailpoint } from './failpoint.ts'
import { buildMessage } from './testing.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const acceptor = (failpoint: Failpoint = noFailpoint) =>
  createAcceptor({ pool: db.pool, poke: () => {}, failpoint, onError: () => {} })

const live = (id: string) => ({ id, mode: 'live' as const })
const withKey = (key: string, bodyHash: Buffer, change: Partial<AcceptRequest> = {}): AcceptRequest => ({
  messages: [buildMessage()],
  idempotency: { key, route: 'send', bodyHash },
  ...change,
})

async function countMessages(tenantId: string): Promise<number> {
  const { rows } = await db.pool.query<{ n: number }>({
    text: 'select count(*) as n from message where tenant_id = $1',
    values: [tenantId],
  })
  return rows[0]?.n ?? 0
}

test('a repeat with the same key and body gets the same answer and stores nothing', async () => {
  const tenantId = await buildTenant(db.pool)
  const body = randomBytes(32)
  const first = await acceptor().accept(
    live(tenantId),
    withKey('k', body, { messages: [buildMessage(), buildMessage()] }),
  )
  const again = await acceptor().accept(
    live(tenantId),
    withKey('k', body, { messages: [buildMessage(), buildMessage()] }),
  )
  if (first.kind !== 'accepted' || again.kind !== 'accepted') throw new Error('both should be accepted')
  expect(again).toEqual({ ...first, quota: null, replayed: true })
  expect(await countMessages(tenantId)).toBe(2)
})

test('the same key at the same moment stores one message, and both requests learn its id', async () => {
  const tenantId = await buildTenant(db.pool)
  const one = acceptor()
  const other = acceptor()
  const body = randomBytes(32)
  const outcomes = await Promise.all(
    [one, one, other, other].map((which) => which.accept(live(tenantId), withKey('k', body))),
  )
  const ids = outcomes.map((outcome) =>
    outcome.kind === 'accepted' ? outcome.messages[0]?.id : outcome.kind,
  )
  expect(new Set(ids).size).toBe(1)
  expect(await countMessages(tenantId)).toBe(1)
})

test('a key that was used for another body is refused; another tenant, mode or route may use it', async () => {
  const tenantId = await buildTenant(db.pool)
  const other = await buildTenant(db.pool)
  await acceptor().accept(live(tenantId), withKey('k', randomBytes(32)))
  expect((await acceptor().accept(live(tenantId), withKey('k', randomBytes(32)))).kind).toBe('key-reused')
  expect((await acceptor().accept(live(other), withKey('k', randomBytes(32)))).kind).toBe('accepted')
  expect((await acceptor().accept({ id: tenantId, mode: 'test' }, withKey('k', randomBytes(32)))).kind).toBe(
    'accepted',
  )
  const batch = withKey('k', randomBytes(32))
  if (batch.idempotency) batch.idempotency.route = 'batch'
  expect((await acceptor().accept(live(tenantId), batch)).kind).toBe('accepted')
})

test('a repeat whose first answer cannot be read now is told to come back', async () => {
  const tenantId = await buildTenant(db.pool)
  const body = randomBytes(32)
  await acceptor().accept(live(tenantId), withKey('k', body))
  const pool = createPool({ url: db.url, max: 2, applicationName: 'cut', onError: () => {} })
  const cut = createAcceptor({
    pool,
    poke: () => {},
    // Between the refusal of the key and the look at what it was used for.
    failpoint: async (name) => {
      if (name === 'after_commit_before_reply') await pool.end()
    },
    onError: () => {},
  })
  await expect(cut.accept(live(tenantId), withKey('k', body))).rejects.toMatchObject({
    code: 'storage-unavailable',
  })
})

test('a replay is answered even when the quota is used up', async () => {
  const tenantId = await buildTenant(db.pool, { dailyLimit: 1 })
  const body = randomBytes(32)
  await acceptor().accept(live(tenantId), withKey('k', body))
  expect((await acceptor().accept(live(tenantId), withKey('k', body))).kind).toBe('accepted')
  expect(await acceptor().accept(live(tenantId), { messages: [buildMessage()] })).toMatchObject({
    kind: 'quota-exceeded',
    requested: 1,
    quota: { limit: 1, used: 1 },
  })
})

const attachment = {
  filename: 'a.bin',
  contentType: 'application/octet-stream',
  disposition: 'attachment' as const,
  content: randomBytes(1_300_000),
}

test.each([
  ['before a message was committed', 'before_commit', []],
  ['after a message was committed', 'after_commit_before_reply', []],
  ['before a message with an attachment was committed', 'before_commit', [attachment]],
  ['after a message with an attachment was committed', 'after_commit_before_reply', [attachment]],
])('a connection that is lost %s neither loses nor doubles it', async (_when, point, attachments) => {
  const tenantId = await buildTenant(db.pool)
  let failures = 1
  const outcome = await acceptor((name) => {
    if (name === point && failures-- > 0) throw new Error('Connection terminated unexpectedly')
  }).accept(live(tenantId), { messages: [buildMessage({ attachments })] })
  expect(outcome.kind).toBe('accepted')
  expect(await countMessages(tenantId)).toBe(1)
  const { rows } = await db.pool.query({
    text: 'select accepted from usage where tenant_id = $1',
    values: [tenantId],
  })
  expect(rows).toEqual([{ accepted: 1 }])
})

test('attachments are stored with their message, or not at all', async () => {
  const tenantId = await buildTenant(db.pool, { dailyLimit: 1 })
  const message = buildMessage({ attachments: [attachment] })
  expect((await acceptor().accept(live(tenantId), { messages: [message] })).kind).toBe('accepted')
  expect((await acceptor().accept(live(tenantId), { messages: [message] })).kind).toBe('quota-exceeded')
  const { rows } = await db.pool.query<{ chunks: number; bytes: number }>({
    text: 'select count(*) as chunks, sum(length(content)) as bytes from attachment_chunk where tenant_id = $1',
    values: [tenantId],
  })
  expect(rows).toEqual([{ chunks: 3, bytes: attachment.content.length }])
})

test('one bad row fails its own request and none of those that share its batch', async () => {
  const tenantId = await buildTenant(db.pool)
  const shared = acceptor()
  const results = await Promise.allSettled([
    shared.accept(live(tenantId), { messages: [buildMessage()] }),
    shared.accept(live(tenantId), {
      messages: [buildMessage({ subject: 'NUL \0 that validation let through' })],
    }),
    shared.accept(live(tenantId), { messages: [buildMessage()] }),
  ])
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(await countMessages(tenantId)).toBe(2)
})
