import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findEverywhere } from '../../test/every-column.ts'
import { acceptMail, quoteEverywhere } from '../../test/person.ts'
import { buildConnection, buildTenant } from '../../test/rows.ts'
import { noFailpoint } from '../lib/index.ts'
import { readJobOf, startErasure, startErasureOfAll } from './jobs.ts'
import { runDataTurn } from './run-jobs.ts'
import type { DataJobRow } from './sql/data-job.ts'

const WORKER = fileURLToPath(new URL('../../test/data-worker.ts', import.meta.url))
const ALICE = 'alice.b+c@example.net'
const LATER = new Date(Date.now() + 3_600_000)

let db: TestDatabase
let tenantId: string
beforeEach(async () => {
  db = await createTestDatabase()
  tenantId = await buildTenant(db.pool)
})
afterEach(() => db.drop())

/** Does turns until the job ends. */
async function finish({ id }: DataJobRow): Promise<DataJobRow> {
  const errors: unknown[] = []
  const deps = { pool: db.batch, failpoint: noFailpoint, onError: (error: unknown) => errors.push(error) }
  for (let n = 0; n < 500; n += 1) {
    const job = await readJobOf(db.pool, id)
    if (job.finished_at) return job
    await runDataTurn(deps, id)
    if (errors.length > 0) throw errors[0]
  }
  throw new Error('the job does not end')
}

const erase = async (address = ALICE) =>
  finish(await startErasure(db.tenants.forTenant(tenantId), tenantId, { address }))
const read = async (text: string, values: unknown[] = []) => (await db.pool.query({ text, values })).rows

test('after an erasure no column of any table has the address, in any spelling, and a second one finds nothing', async () => {
  const id = await acceptMail(db.pool, tenantId, { to: [ALICE.toUpperCase(), 'bob@example.net'] })
  await quoteEverywhere(db.pool, tenantId, id, ALICE)
  await acceptMail(db.pool, tenantId, { to: ['carol@example.net'], text: `Hi\n${ALICE} wrote` })
  await acceptMail(db.pool, tenantId, { to: ['carol@example.net'], from: ALICE, sendAt: LATER })
  await db.pool.query({
    text: `insert into suppression (tenant_id, mode, address, stream, reason, note) values ($1, 'live', $2, '*', 'manual', $2)`,
    values: [tenantId, ALICE],
  })
  expect((await findEverywhere(db.pool, ALICE)).length).toBeGreaterThan(15)
  const job = await finish(
    await startErasure(db.tenants.forTenant(tenantId), tenantId, {
      address: ALICE,
      reason: `${ALICE} asked`,
    }),
  )
  expect(await findEverywhere(db.pool, ALICE)).toEqual([])
  expect(await findEverywhere(db.pool, ALICE.split('@')[0] ?? '')).toEqual([])
  expect(job).toMatchObject({
    state: 'done',
    reason: '(the address) asked',
    counts: {
      recipient: 1,
      suppression: 1,
      message: 1,
      event: 1,
      attempt: 1,
      provider_event: 1,
      audit_log: 1,
    },
  })
  expect((await erase()).counts).toEqual({})
})

test('what waits for the address is cancelled and given back; the message still goes to the others', async () => {
  const both = await acceptMail(db.pool, tenantId, { to: [ALICE, 'bob@example.net'] })
  const alone = await acceptMail(db.pool, tenantId, { to: [ALICE], sendAt: LATER })
  await erase()
  expect(await read('select message_id, state, accepted_at from outbox')).toEqual([
    { message_id: both, state: 'ready', accepted_at: null },
  ])
  expect(
    await read('select position, status, name from recipient where message_id = $1 order by position', [
      both,
    ]),
  ).toEqual([
    { position: 0, status: 'cancelled', name: null },
    { position: 1, status: 'queued', name: 'Name of bob@example.net' },
  ])
  expect(await read('select status from recipient where message_id = $1', [alone])).toEqual([
    { status: 'cancelled' },
  ])
  expect(await read('select accepted from usage where tenant_id = $1', [tenantId])).toEqual([{ accepted: 1 }])
  expect(await read(`select type from event where message_id = $1`, [alone])).toEqual([
    { type: 'recipient.cancelled' },
  ])
  // The content of what still goes out stays, and no longer names the person.
  expect(await read('select message_id from message_content')).toEqual([{ message_id: both }])
})

test('a message that is being sent now is erased after its result', async () => {
  const id = await acceptMail(db.pool, tenantId, { to: [ALICE] })
  await db.pool.query({ text: `update outbox set state = 'sending' where message_id = $1`, values: [id] })
  const job = await startErasure(db.tenants.forTenant(tenantId), tenantId, { address: ALICE })
  const deps = { pool: db.batch, failpoint: noFailpoint, onError: () => {} }
  while (await runDataTurn(deps, job.id));
  expect(await read('select status, address from recipient where message_id = $1', [id])).toEqual([
    { status: 'queued', address: ALICE },
  ])
  await db.pool.query({ text: 'delete from outbox' })
  await db.pool.query({ text: 'update data_job set turn_at = now()' })
  expect((await finish(job)).state).toBe('done')
  expect(await findEverywhere(db.pool, ALICE)).toEqual([])
})

test('an address that was suppressed stays suppressed, also for new mail, and nobody can read which one it is', async () => {
  await db.pool.query({
    text: `insert into suppression (tenant_id, mode, address, stream, reason) values ($1, 'live', $2, '*', 'complaint')`,
    values: [tenantId, ALICE],
  })
  await erase()
  const [entry] = await read('select address, reason from suppression')
  expect(entry).toMatchObject({
    address: expect.stringMatching(/^[0-9a-f]{32}@erased\.invalid$/),
    reason: 'complaint',
  })
  const id = await acceptMail(db.pool, tenantId, { to: ['Alice.B+c@example.net', 'bob@example.net'] })
  expect(await read('select status from recipient where message_id = $1 order by position', [id])).toEqual([
    { status: 'suppressed' },
    { status: 'queued' },
  ])
  const other = await buildTenant(db.pool)
  const free = await acceptMail(db.pool, other, { to: [ALICE] })
  expect(await read('select status from recipient where message_id = $1', [free])).toEqual([
    { status: 'queued' },
  ])
})

test('longer addresses, other tenants and settings that people made stay as they are', async () => {
  const near = [`m${ALICE}`, `${ALICE}.au`, `x.${ALICE}`, `${ALICE}-x.example`]
  const id = await acceptMail(db.pool, tenantId, { to: near, text: near.join(' ') })
  const other = await buildTenant(db.pool)
  await acceptMail(db.pool, other, { to: [ALICE] })
  await db.pool.query({
    text: `insert into data_key (tenant_id, version, root_version, wrapped) values ($1, 1, 1, 'x')`,
    values: [tenantId],
  })
  await buildConnection(db.pool, {
    tenantId,
    id,
    provider: 'smtp',
    name: ALICE,
    priority: 1,
    settings: { username: ALICE },
    sealedCredentials: randomBytes(8),
    dataKeyVersion: 1,
  })
  const before = await findEverywhere(db.pool, ALICE)
  const job = await erase()
  expect(job.counts).toEqual({ 'kept in connection': 1, audit_log: 1 })
  expect(await findEverywhere(db.pool, ALICE)).toEqual(before.filter((line) => !line.startsWith('audit_log')))
})

test('the operator erases an address for all tenants', async () => {
  const other = await buildTenant(db.pool)
  await acceptMail(db.pool, tenantId, { to: [ALICE] })
  await acceptMail(db.pool, other, { to: [ALICE] })
  const job = await finish(await startErasureOfAll(db.batch, { address: ALICE }))
  expect(job.counts).toMatchObject({ recipient: 2 })
  expect(await findEverywhere(db.pool, ALICE)).toEqual([])
  const hashes = await read('select distinct address from recipient')
  expect(hashes).toHaveLength(2)
})

test('a worker that is killed inside a turn, again and again, leaves an erasure that the next one ends', async () => {
  const ids: string[] = []
  for (let n = 0; n < 120; n += 1)
    ids.push(await acceptMail(db.pool, tenantId, { to: [ALICE, 'bob@example.net'] }))
  const job = await startErasure(db.tenants.forTenant(tenantId), tenantId, { address: ALICE })
  const run = () =>
    spawnSync(process.execPath, [...process.execArgv, WORKER, db.url, 'inside_data_turn:kill9:1/2;seed=5'])
      .signal
  expect([run(), run()]).toEqual(['SIGKILL', 'SIGKILL'])
  const done = await finish(job)
  expect(done.counts).toMatchObject({ recipient: 120 })
  expect(await findEverywhere(db.pool, ALICE)).toEqual([])
  expect(await read('select accepted from usage where tenant_id = $1', [tenantId])).toEqual([
    { accepted: 120 },
  ])
}, 60_000)
