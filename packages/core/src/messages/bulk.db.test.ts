import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { BulkFilter, type BulkRequest } from '@lettergate/contracts/messages/bulk'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRow, buildTenant, buildUnit } from '../../test/rows.ts'
import { acceptMessages } from '../accept/index.ts'
import { noFailpoint } from '../lib/index.ts'
import { ensureUsage } from '../usage/index.ts'
import {
  type BulkJobRow,
  cancelBulkJob,
  jobsOfOperator,
  jobsOfTenant,
  readBulkJob,
  startBulkJob,
} from './bulk-jobs.ts'
import { previewBulk } from './preview-bulk.ts'
import { createBulkRunner } from './run-bulk-jobs.ts'

const WORKER = fileURLToPath(new URL('../../test/bulk-worker.ts', import.meta.url))
/** Ends a worker at some message, before its commit or after it; the draws are the same each time. */
const KILLS = ['inside_bulk_message:kill9:1/10;seed=3', 'after_bulk_message:kill9:1/10;seed=4']

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

type Action = BulkRequest['action']
const filterOf = (filter: object) => BulkFilter.parse(filter)
/** Later than the ids of all messages of the test. */
const later = () => Date.now() + 60_000
const ownerOf = (tenantId: string) => jobsOfTenant(db.prisma, tenantId)
const start = (tenantId: string, action: Action, filter: object) =>
  startBulkJob(
    ownerOf(tenantId),
    { ofTenant: tenantId, mode: 'live' },
    { action, filter: filterOf(filter) },
    later(),
  )

async function buildMessages(count: number, change: object = {}, of?: string): Promise<string> {
  const tenantId = of ?? (await buildTenant(db.pool))
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  const units = Array.from({ length: count }, () => buildUnit(tenantId, [buildRow(change)]))
  for (let at = 0; at < count; at += 200) await acceptMessages(db.pool, units.slice(at, at + 200))
  return tenantId
}

const build = (leaseMs = 300) =>
  createBulkRunner({ pool: db.batch, failpoint: noFailpoint, leaseMs, onError })
const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)

async function untilEnded(read: () => Promise<BulkJobRow>): Promise<BulkJobRow> {
  for (;;) {
    const job = await read()
    if (job.finished_at !== null) return job
    await sleep(20)
  }
}

async function finish(read: () => Promise<BulkJobRow>): Promise<BulkJobRow> {
  const runner = build()
  runner.start()
  const job = await untilEnded(read)
  await runner.stop()
  return job
}

async function count(text: string, tenantId: string): Promise<number> {
  const { rows } = await db.pool.query<{ n: number }>({
    text: `select count(*)::int4 as n from ${text} and tenant_id = $1`,
    values: [tenantId],
  })
  return rows[0]?.n ?? 0
}
async function used(tenantId: string): Promise<number> {
  const { rows } = await db.pool.query<{ n: number }>({
    text: 'select sum(accepted)::int4 as n from usage where tenant_id = $1',
    values: [tenantId],
  })
  return rows[0]?.n ?? 0
}

test('workers that are killed at a message, again and again, act on each message once and count it once', async () => {
  const tenantId = await buildMessages(300)
  const job = await start(tenantId, 'cancel', { status: 'queued' })
  let kills = 0
  for (let round = 0; round < 6; round += 1) {
    const kill = KILLS[round % 2] ?? ''
    const { signal } = spawnSync(process.execPath, [...process.execArgv, WORKER, db.url, kill], {
      timeout: 30_000,
    })
    if (signal === 'SIGKILL') kills += 1
    const so = await readBulkJob(ownerOf(tenantId), job.id)
    const cancelled = await count(`recipient where status = 'cancelled'`, tenantId)
    expect([so.done, so.matched, so.skipped]).toEqual([cancelled, cancelled, 0])
    expect(await used(tenantId)).toBe(300 - cancelled)
    expect(so.state).toBe('running')
    // The lease of the worker that is gone.
    await sleep(350)
  }
  expect(kills).toBe(6)
  const ended = await finish(() => readBulkJob(ownerOf(tenantId), job.id))
  expect(ended).toMatchObject({ state: 'done', matched: 300, done: 300, skipped: 0, failed: 0 })
  expect(await used(tenantId)).toBe(0)
  expect(await count(`event where type = 'recipient.cancelled'`, tenantId)).toBe(300)
  expect(await count('outbox where true', tenantId)).toBe(0)
}, 120_000)

test('a worker that lost its lease changes nothing more, and two workers together do each message once', async () => {
  const tenantId = await buildMessages(80)
  const job = await start(tenantId, 'hold', { status: 'queued' })
  // With leases that end at once, each takes the job from the other again and again.
  const runners = [build(1), build(1), build(1)]
  for (const runner of runners) runner.start()
  const ended = await untilEnded(() => readBulkJob(ownerOf(tenantId), job.id))
  await Promise.all(runners.map((runner) => runner.stop()))
  expect(ended).toMatchObject({ state: 'done', done: 80 })
  expect(ended.matched).toBe(ended.done + ended.skipped)
  expect(await count(`event where type = 'recipient.held'`, tenantId)).toBe(80)
}, 120_000)

test('hold, release, retry and cancel of many do what the requests for one message do', async () => {
  const tenantId = await buildMessages(3)
  const act = async (action: Action, filter: object) => {
    const { id } = await start(tenantId, action, filter)
    return finish(() => readBulkJob(ownerOf(tenantId), id))
  }
  const status = (name: string) => count(`recipient where status = '${name}'`, tenantId)
  expect(await act('hold', { tag: 'nobody' })).toMatchObject({ matched: 0, done: 0 })
  expect(await act('hold', { status: 'queued' })).toMatchObject({ matched: 3, done: 3 })
  expect(await status('held')).toBe(3)
  expect(await act('release', { status: ['held', 'failed'], reason: 'held by you' })).toMatchObject({
    done: 3,
  })
  expect(await act('release', { stream: 'transactional' })).toMatchObject({ matched: 3, done: 0, skipped: 3 })
  await db.pool.query({
    text: `with gone as (delete from outbox where tenant_id = $1), less as (update usage set accepted = 0 where tenant_id = $1)
           update recipient set status = 'failed' where tenant_id = $1`,
    values: [tenantId],
  })
  await db.pool.query({ text: 'update usage set day_limit = 2 where tenant_id = $1', values: [tenantId] })
  const retried = await act('retry', { status: 'failed' })
  expect(retried).toMatchObject({
    matched: 3,
    done: 2,
    failed: 1,
    errors: [{ message: expect.stringMatching(/^msg_/) }],
  })
  expect(retried.errors[0]?.detail).toContain('0 of 2 are left')
  expect(await used(tenantId)).toBe(2)
  expect(await act('cancel', { to_domain: 'EXAMPLE.net' })).toMatchObject({ matched: 3, done: 2, skipped: 1 })
  expect(await used(tenantId)).toBe(0)
}, 30_000)

test.each([
  [{ tag: 'news' }, 2],
  [{ subject: 'lunch' }, 1],
  [{ from: 'other@acme.example' }, 1],
  [{ to: 'b@example.org' }, 1],
  [{ to_domain: 'example.org' }, 1],
  [{ stream: 'bulk' }, 1],
  [{ status: 'queued', to_domain: 'example.net' }, 3],
  [{ connection: 'con_01m7wa5yjwe1qr5m7w1gzh99cc' }, 1],
  [{ since: '2020-01-01T00:00:00Z' }, 4],
  [{ until: '2020-01-01T00:00:00Z' }, 0],
  [{ status: 'sent' }, 0],
])('the filter %j finds what it says, before anything is changed', async (filter, matched) => {
  const connectionId = filterOf({ connection: 'con_01m7wa5yjwe1qr5m7w1gzh99cc' }).connection ?? null
  const tenantId = await buildMessages(1, { tags: ['news'], subject: 'Lunch on Friday' })
  await buildMessages(1, { tags: ['news'], fromAddress: 'other@acme.example' }, tenantId)
  await buildMessages(1, { stream: 'bulk', connectionId }, tenantId)
  await buildMessages(1, { recipients: [{ kind: 'to', address: 'b@example.org', name: null }] }, tenantId)
  const preview = await previewBulk(
    db.tenants.forTenant(tenantId),
    { ofTenant: tenantId, mode: 'live' },
    { action: 'cancel', filter: filterOf(filter) },
    { now: later() },
  )
  expect(preview).toMatchObject({ matched, applicable: matched, isComplete: true })
  expect(preview.examples).toHaveLength(matched)
})

test('a filter without a condition is refused', () => {
  expect(BulkFilter.safeParse({}).success).toBe(false)
})

test("an operator's job goes through all tenants, a tenant's through its own messages and mode alone", async () => {
  const tag = `t${Date.now()}`
  const [one, other] = [await buildMessages(2, { tags: [tag] }), await buildMessages(3, { tags: [tag] })]
  const mine = await start(one, 'hold', { tag })
  expect(await finish(() => readBulkJob(ownerOf(one), mine.id))).toMatchObject({ done: 2 })
  const operator = jobsOfOperator(db.operator)
  const request = { action: 'cancel' as const, filter: filterOf({ tag }) }
  const all = await startBulkJob(operator, { ofTenant: null, mode: null }, request, later())
  expect(await finish(() => readBulkJob(operator, all.id))).toMatchObject({ of_tenant: null, done: 5 })
  expect(await count('outbox where true', other)).toBe(0)
  await expect(readBulkJob(ownerOf(one), all.id)).rejects.toMatchObject({ code: 'not-found' })
  await expect(readBulkJob(ownerOf(other), mine.id)).rejects.toMatchObject({ code: 'not-found' })
  const test = await startBulkJob(ownerOf(one), { ofTenant: one, mode: 'test' }, request, later())
  expect(await finish(() => readBulkJob(ownerOf(one), test.id))).toMatchObject({ matched: 0 })
  await expect(readBulkJob(ownerOf(one), test.id, 'live')).rejects.toMatchObject({ code: 'not-found' })
}, 30_000)

test('messages that were stored after the request are left alone', async () => {
  const tenantId = await buildMessages(1)
  const filter = filterOf({ status: 'queued' })
  const job = await startBulkJob(
    ownerOf(tenantId),
    { ofTenant: tenantId, mode: 'live' },
    { action: 'cancel', filter },
    Date.now() - 60_000,
  )
  expect(await finish(() => readBulkJob(ownerOf(tenantId), job.id))).toMatchObject({ matched: 0 })
})

test('a cancelled job ends, and what it had done stays', async () => {
  const tenantId = await buildMessages(500)
  const job = await start(tenantId, 'hold', { status: 'queued' })
  const runner = build()
  runner.start()
  while ((await readBulkJob(ownerOf(tenantId), job.id)).done === 0) await sleep(5)
  const ended = await cancelBulkJob(ownerOf(tenantId), job.id)
  expect(ended.state).toBe('cancelled')
  await runner.stop()
  const held = await count(`recipient where status = 'held'`, tenantId)
  expect(held).toBeLessThan(500)
  expect((await readBulkJob(ownerOf(tenantId), job.id)).done).toBe(held)
  await expect(cancelBulkJob(ownerOf(tenantId), job.id)).rejects.toMatchObject({ code: 'wrong-state' })
}, 30_000)

test('a small job does not wait for the end of a large one, and a job that cannot be read is given up', async () => {
  const [large, small, broken] = [await buildMessages(150), await buildMessages(2), await buildMessages(1)]
  const first = await start(large, 'hold', { status: 'queued' })
  const second = await start(small, 'hold', { status: 'queued' })
  const third = await start(broken, 'hold', { status: 'queued' })
  await db.pool.query({
    text: `update message_job set filter = '{}', failures = 6 where id = $1`,
    values: [third.id],
  })
  const runner = createBulkRunner({
    pool: db.batch,
    failpoint: noFailpoint,
    turnMs: 20,
    onError: () => {},
  })
  runner.start()
  const [late, soon, bad] = await Promise.all([
    untilEnded(() => readBulkJob(ownerOf(large), first.id)),
    untilEnded(() => readBulkJob(ownerOf(small), second.id)),
    untilEnded(() => readBulkJob(ownerOf(broken), third.id)),
  ])
  await runner.stop()
  expect(Number(soon.finished_at)).toBeLessThan(Number(late.finished_at))
  expect(late.done).toBe(150)
  expect(bad).toMatchObject({ state: 'failed', reason: expect.stringContaining('error of the gateway') })
}, 120_000)

test('an owner has five jobs that are not finished at most', async () => {
  const tenantId = await buildMessages(1)
  for (let n = 0; n < 5; n += 1) await start(tenantId, 'hold', { tag: 'x' })
  await expect(start(tenantId, 'hold', { tag: 'x' })).rejects.toMatchObject({ code: 'wrong-state' })
})
