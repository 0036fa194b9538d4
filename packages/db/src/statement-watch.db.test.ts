import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../test/database.ts'
import { type SilentProxy, startSilentProxy } from '../test/silent-proxy.ts'
import { databaseFailure } from './errors.ts'
import { createListener } from './listener.ts'
import { createPool, inTransaction, type LateStatement, type Pool } from './pool.ts'
import { SilentDatabase } from './statement-watch.ts'
import { createTenants } from './tenant-scope.ts'

const DEADLINE_MS = 300
const SELECT = { text: 'select 1 as one' }

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

/** A proxy before the database, and pools that reach it through this proxy: tests of it run at the same time. */
async function begin() {
  const proxy: SilentProxy = await startSilentProxy(db.url)
  const late: LateStatement[] = []
  const open: { end(): Promise<void> }[] = []
  const options = {
    url: proxy.url,
    max: 3,
    applicationName: 'watched',
    onError: () => undefined,
    deadlineMs: DEADLINE_MS,
    statementTimeoutMs: 10_000,
    waitMs: 8_000,
    connectMs: 4_000,
    onLate: (kind: LateStatement) => void late.push(kind),
  }
  return {
    proxy,
    late,
    open,
    options,
    openPool(max = 3): Pool {
      const pool = createPool({ ...options, max })
      open.push(pool)
      return pool
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(open.map((it) => it.end()))
      await proxy.close()
    },
  }
}

/** Opens this number of connections, and leaves them idle. */
async function warm(pool: Pool, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => pool.query('select pg_sleep(0.05)')))
  expect(pool.idleCount).toBe(count)
}

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => 'answered',
    (error: unknown) => error,
  )

test.concurrent('a statement on a silent connection fails by our own deadline, with unknown result', async () => {
  await using bed = await begin()
  const { proxy, late, openPool } = bed
  const pool = openPool()
  await warm(pool, 1)
  proxy.silence()
  const error = await failureOf(pool.query(SELECT))
  expect(error).toBeInstanceOf(SilentDatabase)
  expect(databaseFailure(error)).toBe('unavailable')
  expect(late).toEqual(['silent'])
})

test.concurrent('a lost answer counts as no answer', async () => {
  await using bed = await begin()
  const { proxy, openPool } = bed
  const pool = openPool()
  await warm(pool, 1)
  proxy.silence({ up: false })
  expect(await failureOf(pool.query(SELECT))).toBeInstanceOf(SilentDatabase)
})

test.concurrent('one silent connection also closes the idle ones: the next statement gets a new connection immediately', async () => {
  await using bed = await begin()
  const { proxy, late, openPool } = bed
  const pool = openPool()
  await warm(pool, 3)
  proxy.silence()
  expect(await failureOf(pool.query(SELECT))).toBeInstanceOf(SilentDatabase)
  expect((await pool.query(SELECT)).rows).toEqual([{ one: 1 }])
  expect(late).toEqual(['silent'])
  expect(pool.totalCount).toBe(1)
})

test.concurrent('a transaction without an answer ends with its connection, without a second deadline for its rollback', async () => {
  await using bed = await begin()
  const { proxy, openPool } = bed
  const pool = openPool(1)
  const startedAt: number[] = []
  const error = await failureOf(
    inTransaction(pool, async (client) => {
      await client.query(SELECT)
      proxy.silence()
      startedAt.push(performance.now())
      await client.query(SELECT)
    }),
  )
  expect(error).toBeInstanceOf(SilentDatabase)
  expect(performance.now() - (startedAt[0] ?? 0)).toBeLessThan(2 * DEADLINE_MS)
  expect((await pool.query(SELECT)).rows).toEqual([{ one: 1 }])
})

test.concurrent('a commit without an answer fails by the deadline', async () => {
  await using bed = await begin()
  const { proxy, openPool } = bed
  const pool = openPool(1)
  const error = await failureOf(
    inTransaction(pool, async (client) => {
      await client.query(SELECT)
      proxy.silence({ up: false })
    }),
  )
  expect(error).toBeInstanceOf(SilentDatabase)
})

test.concurrent('idle connections can be ended for a reason unknown to the pool', async ({ expect }) => {
  await using bed = await begin()
  const { openPool } = bed
  const pool = openPool()
  await warm(pool, 2)
  pool.dropIdle()
  await expect.poll(() => pool.totalCount).toBe(0)
  expect((await pool.query(SELECT)).rows).toEqual([{ one: 1 }])
})

test.concurrent("a tenant's pipelined statements fail by the deadline", async () => {
  await using bed = await begin()
  const { proxy, open, options } = bed
  const tenants = createTenants(options)
  open.push({ end: () => tenants.close() })
  const own = tenants.forTenant('018f3b2a-0000-7000-8000-000000000001')
  await own.query(SELECT)
  proxy.silence()
  expect(await failureOf(own.query(SELECT))).toBeInstanceOf(SilentDatabase)
  expect((await own.query<{ one: number }>(SELECT)).rows).toEqual([{ one: 1 }])
})

test.concurrent('a connection that does not finish its handshake is closed', async () => {
  await using bed = await begin()
  const { proxy, open, options } = bed
  proxy.silence({ isLasting: true })
  const pool = createPool({ ...options, max: 1, connectMs: DEADLINE_MS })
  open.push(pool)
  expect(databaseFailure(await failureOf(pool.query(SELECT)))).toBe('unavailable')
  proxy.carryNew()
  expect((await pool.query(SELECT)).rows).toEqual([{ one: 1 }])
})

test.concurrent('while the database does not answer, a pool does not try with all of its connections', async () => {
  await using bed = await begin()
  const { proxy, open, options } = bed
  proxy.silence({ isLasting: true })
  const pool = createPool({ ...options, max: 8, connectMs: 500 })
  open.push(pool)
  await failureOf(pool.query(SELECT))
  const failing = Promise.all(Array.from({ length: 8 }, () => failureOf(pool.query(SELECT))))
  let most = 0
  const looking = setInterval(() => {
    most = Math.max(most, proxy.connections())
  }, 20)
  await failing
  clearInterval(looking)
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(3)
  proxy.carryNew()
  const answers = await Promise.all(Array.from({ length: 8 }, () => pool.query(SELECT)))
  expect(answers.map(({ rowCount }) => rowCount)).toEqual(Array(8).fill(1))
})

test.concurrent('the age of the statement that waits longest is reported while it waits, and is empty afterwards', async () => {
  await using bed = await begin()
  const { proxy, openPool } = bed
  const pool = openPool()
  await warm(pool, 2)
  expect(pool.oldestStatementMs()).toBe(0)
  proxy.silence()
  const failing = failureOf(pool.query(SELECT))
  await sleep(DEADLINE_MS / 2)
  expect(pool.oldestStatementMs()).toBeGreaterThan(0)
  await failing
  expect(pool.oldestStatementMs()).toBe(0)
})

test.concurrent('statements that take long keep their connection where the transaction says so', async () => {
  await using bed = await begin()
  const { openPool } = bed
  const pool = openPool(1)
  const done = await inTransaction(pool, (client) => client.query('select pg_sleep(1), 1 as one'), {
    deadlineMs: 20_000,
  })
  expect(done.rowCount).toBe(1)
  // The allowance ends with the transaction.
  expect(await failureOf(pool.query('select pg_sleep(1)'))).toBeInstanceOf(SilentDatabase)
})

test.concurrent('a large answer that keeps arriving may take longer than the deadline', async () => {
  await using bed = await begin()
  const { open, options } = bed
  const pool = createPool({ ...options, max: 1, deadlineMs: 1_000 })
  open.push(pool)
  // The timer of this statement looks at the next one shortly before its deadline, between two rows.
  await warm(pool, 1)
  const rows = await pool.query("select pg_sleep(0.4), repeat('x', 100000) as x from generate_series(1, 4)")
  expect(rows.rowCount).toBe(4)
}, 20_000)

test.concurrent('a statement that Postgres cancels for its duration is counted, and reported as undone', async () => {
  await using bed = await begin()
  const { late, open, options } = bed
  const pool = createPool({ ...options, deadlineMs: 5_000, statementTimeoutMs: 100 })
  open.push(pool)
  expect(databaseFailure(await failureOf(pool.query('select pg_sleep(3)')))).toBe('slow')
  expect(late).toEqual(['cancelled'])
})

test.concurrent('closing a pool does not wait for silent connections', async () => {
  await using bed = await begin()
  const { proxy, options } = bed
  const pool = createPool(options)
  await warm(pool, 2)
  proxy.silence()
  const startedAt = performance.now()
  await pool.end()
  expect(performance.now() - startedAt).toBeLessThan(3_000)
})

test.concurrent('a silent listening connection is noticed, and missed notifications are queried', async ({
  expect,
}) => {
  await using bed = await begin()
  const { proxy } = bed
  const heard: string[] = []
  let silences = 0
  const listener = createListener({
    url: proxy.url,
    heartbeatMs: 50,
    deadlineMs: DEADLINE_MS,
    onError: () => undefined,
    onSilent: () => {
      silences += 1
    },
  })
  await listener.on('lg_test', (payload) => heard.push(payload))
  proxy.silence()
  await expect.poll(() => heard, { timeout: 5_000 }).toEqual([''])
  await db.pool.query("select pg_notify('lg_test', 'again')")
  await expect.poll(() => heard, { timeout: 5_000 }).toEqual(['', 'again'])
  expect(silences).toBe(1)
  await listener.close()
})

test.concurrent('listening to a database that does not answer waits for a second at most', async ({
  expect,
}) => {
  await using bed = await begin()
  const { proxy } = bed
  proxy.silence({ isLasting: true })
  const heard: string[] = []
  const listener = createListener({ url: proxy.url, onError: () => undefined })
  const startedAt = performance.now()
  await listener.on('lg_test', (payload) => heard.push(payload))
  expect(performance.now() - startedAt).toBeLessThan(1_900)
  proxy.carryNew()
  await expect.poll(() => heard, { timeout: 8_000 }).toEqual([''])
  await listener.close()
})

test('an answer that arrives while the thread is busy counts as an answer', async () => {
  await using bed = await begin()
  const { open, options } = bed
  // Without the proxy, which is busy too, and after all others, whose deadlines would pass.
  const pool = createPool({ ...options, url: db.url })
  open.push(pool)
  await warm(pool, 1)
  const asked = pool.query(SELECT)
  await sleep(1)
  const until = performance.now() + 2 * DEADLINE_MS
  while (performance.now() < until);
  expect((await asked).rows).toEqual([{ one: 1 }])
})
