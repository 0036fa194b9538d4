import { hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { createPool, type PoolClient } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildMessage, eventually } from '../../test/build-message.ts'
import { buildTenant } from '../../test/rows.ts'
import { type Failpoint, noFailpoint } from '../lib/index.ts'
import { type AcceptRequest, createAcceptor } from './accept.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const APPLICATION = 'second-statement'
const live = (id: string) => ({ id, mode: 'live' as const })

/** A request that the first statement decides, with its key. */
const usual = (until?: number): AcceptRequest => request('usual', [{ address: 'user@example.net' }], until)
/** A request that only the second statement decides: one of its two recipients is suppressed. */
const special = (until?: number): AcceptRequest =>
  request('special', [{ address: 'suppressed@sandbox.lettergate.dev' }, { address: 'b@example.net' }], until)

function request(key: string, to: { address: string }[], until: number | undefined): AcceptRequest {
  return {
    messages: [buildMessage({ to })],
    idempotency: { key, route: 'send', bodyHash: hash('sha256', key, 'buffer') },
    ...(until === undefined ? {} : { until }),
  }
}

async function openTenant(): Promise<string> {
  const tenantId = await buildTenant(db.pool)
  await db.pool.query({ text: `select open_usage($1, 'live')`, values: [tenantId] })
  return tenantId
}

/** What the database has of a tenant; each message is in all of its tables, or nothing of it is. */
async function storedOf(tenantId: string) {
  const { rows } = await db.pool.query({
    text: `select (select count(*) from message where tenant_id = $1) as messages,
                  (select count(*) from recipient where tenant_id = $1) as recipients,
                  (select count(*) from outbox where tenant_id = $1) as outbox,
                  (select count(*) from idempotency where tenant_id = $1) as keys,
                  (select accepted from usage where tenant_id = $1) as counted`,
    values: [tenantId],
  })
  return rows[0]
}

const NO_ROWS = { messages: 0, recipients: 0, outbox: 0, keys: 0, counted: 0 }
const USUAL_ROWS = { messages: 1, recipients: 1, outbox: 1, keys: 1, counted: 1 }
const SPECIAL_ROWS = { messages: 1, recipients: 2, outbox: 1, keys: 1, counted: 1 }

/** A lock of the tenant's usage row that another transaction takes as soon as the first statement has committed. */
function lockAfterFirst(tenantId: string) {
  let holder: PoolClient | undefined
  const failpoint: Failpoint = async (name) => {
    if (name !== 'after_commit_before_reply' || holder) return
    holder = await db.pool.connect()
    await holder.query('begin')
    await holder.query({ text: 'select from usage where tenant_id = $1 for update', values: [tenantId] })
  }
  return {
    failpoint,
    async release() {
      await holder?.query('rollback')
      holder?.release()
    },
  }
}

/** Both requests in one batch, on connections that give up a lock, or a statement, as soon as `bounds` say. */
function openBatch(failpoint: Failpoint, bounds: { lockTimeoutMs?: number; statementTimeoutMs?: number }) {
  const pool = createPool({
    url: db.url,
    max: 4,
    applicationName: APPLICATION,
    onError: () => {},
    ...bounds,
  })
  const acceptor = createAcceptor({ pool, wakeWorkers: () => {}, failpoint, onError: () => {} })
  const accept = (tenantId: string, request: AcceptRequest) => acceptor.accept(live(tenantId), request)
  return {
    accept,
    send: (usualTenant: string, specialTenant: string, until?: number) => ({
      first: accept(usualTenant, usual(until)),
      second: accept(specialTenant, special(until)).catch((error: unknown) => error),
    }),
    end: () => pool.end(),
  }
}

/** The same request again, when nothing is in its way any more. */
function repeat(tenantId: string, again: AcceptRequest) {
  const deps = { pool: db.pool, wakeWorkers: () => {}, failpoint: noFailpoint, onError: () => {} }
  return createAcceptor(deps).accept(live(tenantId), again)
}

/** Ends the backend that waits for a lock, as a connection that is cut does. */
async function cutWaiting(): Promise<void> {
  await eventually(async () => {
    const { rows } = await db.pool.query<{ cut: boolean }>({
      text: `select pg_terminate_backend(pid) as cut from pg_stat_activity
             where application_name = $1 and wait_event_type = 'Lock' and datname = current_database()`,
      values: [APPLICATION],
    })
    return rows[0]?.cut || undefined
  })
}

test.each([
  ['waits for a lock', { lockTimeoutMs: 100 }],
  ['runs into its time-out', { statementTimeoutMs: 100 }],
])(
  'if the second statement %s until the deadline, the first one has answered, and the second ones get 503 and are not stored',
  async (_how, bounds) => {
    const [usualTenant, specialTenant] = [await openTenant(), await openTenant()]
    const lock = lockAfterFirst(specialTenant)
    const batch = openBatch(lock.failpoint, bounds)
    const { first, second } = batch.send(usualTenant, specialTenant, performance.now() + 1_000)
    let isSecondAnswered = false
    void second.then(() => {
      isSecondAnswered = true
    })
    const accepted = await first
    await setImmediate()
    // Otherwise its client would be answered after the deadline, and that is 503 for a message that is stored.
    expect(isSecondAnswered).toBe(false)
    expect(accepted).toMatchObject({ kind: 'accepted', replayed: false })
    expect(await second).toMatchObject({ code: 'storage-unavailable', headers: { 'retry-after': '2' } })
    expect(await storedOf(usualTenant)).toEqual(USUAL_ROWS)
    await lock.release()
    await batch.end()
    expect(await storedOf(specialTenant)).toEqual(NO_ROWS)

    const repeated = await repeat(usualTenant, usual())
    expect(repeated).toEqual({ ...accepted, quota: null, replayed: true })
    expect(await repeat(specialTenant, special())).toMatchObject({ kind: 'accepted', replayed: false })
    expect(await repeat(specialTenant, special())).toMatchObject({ kind: 'accepted', replayed: true })
    expect(await storedOf(usualTenant)).toEqual(USUAL_ROWS)
    expect(await storedOf(specialTenant)).toEqual(SPECIAL_ROWS)
  },
)

test('a second statement whose connection is cut is repeated: each request is stored and counted once', async () => {
  const [usualTenant, specialTenant] = [await openTenant(), await openTenant()]
  const lock = lockAfterFirst(specialTenant)
  const batch = openBatch(lock.failpoint, {})
  const { first, second } = batch.send(usualTenant, specialTenant)
  await cutWaiting()
  await lock.release()
  expect(await first).toMatchObject({ kind: 'accepted', replayed: false })
  expect(await second).toMatchObject({ kind: 'accepted', replayed: false })
  await batch.end()
  expect(await storedOf(usualTenant)).toEqual(USUAL_ROWS)
  expect(await storedOf(specialTenant)).toEqual(SPECIAL_ROWS)
})

test('a second statement whose commit gets no answer is looked up: each request is stored and counted once', async () => {
  const tenantId = await openTenant()
  let commits = 0
  const batch = openBatch((name) => {
    if (name === 'after_commit_before_reply' && ++commits === 2)
      throw new Error('Connection terminated unexpectedly')
  }, {})
  // Without a key, which would find the answer too.
  const [first, second] = await Promise.all([
    batch.accept(tenantId, { messages: usual().messages }),
    batch.accept(tenantId, { messages: special().messages }),
  ])
  await batch.end()
  expect(first).toMatchObject({ kind: 'accepted' })
  const statuses = [{ status: 'suppressed' }, { status: 'queued' }]
  expect(second).toMatchObject({ kind: 'accepted', messages: [{ recipients: statuses }] })
  expect(await storedOf(tenantId)).toEqual({ messages: 2, recipients: 3, outbox: 2, keys: 0, counted: 2 })
})
