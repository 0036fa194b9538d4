import { hash, randomBytes, randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { createPool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { startSilentProxy } from '@lettergate/db/test/silent-proxy'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildMessage } from '../../test/build-message.ts'
import { buildTenant } from '../../test/rows.ts'
import { type Failpoint, noFailpoint } from '../lib/index.ts'
import { type AcceptRequest, createAcceptor } from './accept.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const acceptor = (failpoint: Failpoint = noFailpoint) =>
  createAcceptor({ pool: db.pool, wakeWorkers: () => {}, failpoint, onError: () => {} })

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

test('a repeat is asked to retry while the first answer cannot be read', async () => {
  const tenantId = await buildTenant(db.pool)
  const body = randomBytes(32)
  await acceptor().accept(live(tenantId), withKey('k', body))
  const pool = createPool({ url: db.url, max: 2, applicationName: 'cut', onError: () => {} })
  const cut = createAcceptor({
    pool,
    wakeWorkers: () => {},
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
    quota: { day: { limit: 1, used: 1 } },
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
])(
  'a connection that is lost %s loses no message and stores none twice',
  async (_when, point, attachments) => {
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
  },
)

test('attachments are stored together with their message, or neither is stored', async () => {
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

test('one bad row fails its own request, and no other request of its batch', async () => {
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

/** Holds the tenant's usage row in another transaction while `work` runs. */
async function whileLocked(tenantId: string, work: () => Promise<void>): Promise<void> {
  const other = await db.pool.connect()
  await other.query('begin')
  await other.query({ text: 'select from usage where tenant_id = $1 for update', values: [tenantId] })
  try {
    await work()
  } finally {
    await other.query('rollback')
    other.release()
  }
}

const impatientPool = (change: { lockTimeoutMs?: number; statementTimeoutMs?: number }) =>
  createPool({ url: db.url, max: 4, applicationName: 'impatient', onError: () => {}, ...change })

const acceptorOn = (pool: ReturnType<typeof createPool>) =>
  createAcceptor({ pool, wakeWorkers: () => {}, failpoint: noFailpoint, onError: () => {} })

test.each([
  ['a wait for a lock', { lockTimeoutMs: 100 }],
  ['a statement', { statementTimeoutMs: 100 }],
])(
  '%s that takes too long is reported as a timeout of the database, not as a key in progress',
  async (_what, change) => {
    const tenantId = await buildTenant(db.pool)
    await acceptor().accept(live(tenantId), { messages: [buildMessage()] })
    const pool = impatientPool(change)
    await whileLocked(tenantId, async () => {
      const until = performance.now() + 700
      await expect(
        acceptorOn(pool).accept(live(tenantId), withKey('slow', randomBytes(32), { until })),
      ).rejects.toMatchObject({ code: 'storage-unavailable', headers: { 'retry-after': '2' } })
    })
    await pool.end()
    expect(await countMessages(tenantId)).toBe(1)
  },
)

test('a key that another open transaction stores is reported as in progress', async () => {
  const tenantId = await buildTenant(db.pool)
  const pool = impatientPool({ lockTimeoutMs: 100 })
  const other = await db.pool.connect()
  await other.query('begin')
  await other.query({
    text: `insert into idempotency (tenant_id, key_hash, body_hash, request_id, answer)
      values ($1, $2, $3, $4, '{}')`,
    values: [tenantId, hash('sha256', 'live\nsend\ntaken', 'buffer'), randomBytes(32), randomUUID()],
  })
  const outcome = await acceptorOn(pool).accept(live(tenantId), withKey('taken', randomBytes(32)))
  expect(outcome.kind).toBe('key-in-progress')
  await other.query('rollback')
  other.release()
  await pool.end()
  expect(await countMessages(tenantId)).toBe(0)
})

test('a tenant whose usage row is locked does not block other tenants of the batch, nor delay their answers', async () => {
  const [held, free] = [await buildTenant(db.pool), await buildTenant(db.pool)]
  for (const id of [held, free]) await acceptor().accept(live(id), { messages: [buildMessage()] })
  const pool = impatientPool({ lockTimeoutMs: 100 })
  const together = acceptorOn(pool)
  await whileLocked(held, async () => {
    const until = performance.now() + 1_000
    const request = { messages: [buildMessage()], until }
    const waiting = together.accept(live(held), request).catch((error: unknown) => error)
    let isRefused = false
    void waiting.then(() => {
      isRefused = true
    })
    expect((await together.accept(live(free), request)).kind).toBe('accepted')
    await setImmediate()
    expect(isRefused).toBe(false)
    expect(await waiting).toMatchObject({ code: 'storage-unavailable' })
  })
  await pool.end()
  expect([await countMessages(held), await countMessages(free)]).toEqual([1, 2])
})

test('a message that was refused by its deadline is not stored afterwards', async () => {
  const tenantId = await buildTenant(db.pool)
  const late = { messages: [buildMessage()], until: performance.now() }
  await expect(acceptor().accept(live(tenantId), late)).rejects.toMatchObject({ code: 'storage-unavailable' })
  expect(await countMessages(tenantId)).toBe(0)
})

test('a message that gets a database connection after its client was refused is not stored', async () => {
  const tenantId = await buildTenant(db.pool)
  const pool = createPool({ url: db.url, max: 1, applicationName: 'late', onError: () => {} })
  const other = await pool.connect()
  const waiting = acceptorOn(pool)
    .accept(live(tenantId), { messages: [buildMessage()], until: performance.now() + 200 })
    .catch((error: unknown) => error)
  setTimeout(() => other.release(), 400)
  expect(await waiting).toMatchObject({ code: 'storage-unavailable', headers: { 'retry-after': '2' } })
  await pool.end()
  expect(await countMessages(tenantId)).toBe(0)
})

test('a message whose commit gets no answer is looked up and found in time', async () => {
  const tenantId = await buildTenant(db.pool)
  const proxy = await startSilentProxy(db.url)
  const pool = createPool({
    url: proxy.url,
    max: 4,
    applicationName: 'silent',
    onError: () => {},
    statementTimeoutMs: 10_000,
    deadlineMs: 300,
  })
  const silent = acceptorOn(pool)
  for (const attachments of [[], [attachment]]) {
    await silent.accept(live(tenantId), { messages: [buildMessage()] })
    proxy.silence({ up: false })
    const outcome = await silent.accept(live(tenantId), { messages: [buildMessage({ attachments })] })
    expect(outcome.kind).toBe('accepted')
  }
  expect(await countMessages(tenantId)).toBe(4)
  const { rows } = await db.pool.query({
    text: 'select accepted from usage where tenant_id = $1',
    values: [tenantId],
  })
  expect(rows).toEqual([{ accepted: 4 }])
  await pool.end()
  await proxy.close()
})

test('long messages are stored together with their documents, or not at all', async () => {
  const tenantId = await buildTenant(db.pool, { dailyLimit: 3 })
  const request = withKey('long', randomBytes(32), {
    messages: [400_000, 900_000, 10].map((length) => buildMessage({ text: 'x'.repeat(length) })),
  })
  const first = await acceptor().accept(live(tenantId), request)
  if (first.kind !== 'accepted') throw new Error(first.kind)
  expect(await acceptor().accept(live(tenantId), request)).toMatchObject({
    kind: 'accepted',
    messages: first.messages,
    replayed: true,
  })
  const more = { messages: request.messages }
  expect((await acceptor().accept(live(tenantId), more)).kind).toBe('quota-exceeded')
  const { rows } = await db.pool.query<{ length: number }>({
    text: `select length(document->>'text') as length from message_content where tenant_id = $1 order by message_id`,
    values: [tenantId],
  })
  expect(rows.map(({ length }) => length)).toEqual([400_000, 900_000, 10])
})
