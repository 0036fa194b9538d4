import { randomBytes } from 'node:crypto'
import { createPool, type Queryable } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { buildMessage } from '../../test/build-message.ts'
import { buildTenant } from '../../test/rows.ts'
import { createAcceptor } from '../accept/index.ts'
import { noFailpoint } from '../lib/index.ts'
import { createSweeper, type SweepStep, sweepSteps } from './sweep.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())
afterEach(() => {
  vi.useRealTimers()
})

const deps = (pool: Queryable) => ({ pool, repeatWindowMs: () => 0 })

test('an idempotency key is deleted after 24 hours, not before', async () => {
  const tenantId = await buildTenant(db.pool)
  const acceptor = createAcceptor({
    pool: db.pool,
    wakeWorkers: () => {},
    failpoint: noFailpoint,
    onError: () => {},
  })
  const accept = (key: string, bodyHash: Buffer) =>
    acceptor.accept(
      { id: tenantId, mode: 'live' },
      { messages: [buildMessage()], idempotency: { key, route: 'send', bodyHash } },
    )
  await accept('old', randomBytes(32))
  await db.pool.query({ text: `update idempotency set created_at = now() - interval '24 hours 1 minute'` })
  const body = randomBytes(32)
  await accept('young', body)
  expect(await sweepSteps.expireIdempotency(deps(db.pool))).toBe(1)
  expect(await accept('old', randomBytes(32))).toMatchObject({ kind: 'accepted', replayed: false })
  expect(await accept('young', body)).toMatchObject({ kind: 'accepted', replayed: true })
})

test('a stopping sweep ends after the current batch, for any number of remaining rows', async () => {
  const tenantId = await buildTenant(db.pool)
  await db.pool.query({
    text: `insert into idempotency (tenant_id, key_hash, body_hash, request_id, answer, created_at)
           select $1, sha256(i::text::bytea), sha256('b'), gen_random_uuid(), '{}', now() - interval '2 days'
           from generate_series(1, 500) i`,
    values: [tenantId],
  })
  expect(await sweepSteps.expireIdempotency({ ...deps(db.pool), isStopped: () => true })).toBe(200)
  expect(await sweepSteps.expireIdempotency(deps(db.pool))).toBe(300)
})

test('the missing partitions of the coming days are created, and no others', async () => {
  await sweepSteps.ensurePartitions(deps(db.pool))
  const { rows } = await db.pool.query<{ name: string }>({
    text: `select max(relname) as name from pg_class where relname ~ '^event_\\d{8}$'`,
  })
  await db.pool.query({ text: `drop table ${rows[0]?.name}` })
  expect(await sweepSteps.ensurePartitions(deps(db.pool))).toBe(1)
  expect(await sweepSteps.ensurePartitions(deps(db.pool))).toBe(0)
})

test('a day of the feed is dropped when it is older than the kept days, and not before', async () => {
  const tenantId = await buildTenant(db.pool)
  await db.pool.query({
    text: `select ensure_partitions((now() at time zone 'utc')::date - 31, (now() at time zone 'utc')::date - 30)`,
  })
  await db.pool.query({
    text: `insert into feed (tenant_id, message_id, seq, type, is_bulk, mode, at)
           select $1, $1, 1, 1, false, 'live', (now() at time zone 'utc')::date::timestamp at time zone 'utc' - days * interval '1 day'
           from unnest(array[29, 30, 31, 40]) days`,
    values: [tenantId],
  })
  const batch = createPool({
    url: db.url,
    max: 1,
    applicationName: 'test',
    onError: () => {},
    role: 'lettergate_batch',
  })
  expect(await sweepSteps.dropFeedDays(deps(batch))).toBe(1)
  expect(await sweepSteps.dropFeedDays(deps(batch))).toBe(0)
  await batch.end()
  const { rows } = await db.pool.query({
    text: 'select count(*)::int4 as kept from feed where tenant_id = $1',
    values: [tenantId],
  })
  expect(rows).toEqual([{ kept: 2 }])
})

test('a day of raw provider events is dropped after 30 days, and not before', async () => {
  const tenantId = await buildTenant(db.pool)
  await db.pool.query({
    text: `select ensure_partitions((now() at time zone 'utc')::date - 31, (now() at time zone 'utc')::date - 30)`,
  })
  await db.pool.query({
    text: `insert into provider_event (tenant_id, connection_id, provider, headers, body, received_at)
           select $1, $1, 'ses', '{}', '', (now() at time zone 'utc')::date::timestamp at time zone 'utc' - days * interval '1 day'
           from unnest(array[29, 30, 31, 40]) days`,
    values: [tenantId],
  })
  const batch = createPool({
    url: db.url,
    max: 1,
    applicationName: 'test',
    onError: () => {},
    role: 'lettergate_batch',
  })
  expect(await sweepSteps.dropProviderEventDays(deps(batch))).toBe(1)
  await batch.end()
  const { rows } = await db.pool.query({
    text: 'select count(*)::int4 as kept from provider_event where tenant_id = $1',
    values: [tenantId],
  })
  expect(rows).toEqual([{ kept: 2 }])
})

test.each(Object.entries(sweepSteps))('the role of a worker may do every step: %s', async (_name, step) => {
  await expect(step(deps(db.batch))).resolves.toBeTypeOf('number')
})

test('a step that fails is reported and run again, and keeps no other from running', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const errors: unknown[] = []
  const swept: SweepStep[] = []
  const failed: SweepStep[] = []
  const flaky: Queryable = {
    query: (config) =>
      config.name === 'list-expired-claimed' && errors.length < 2
        ? Promise.reject(new Error('the connection was lost'))
        : Promise.resolve({ rows: [], rowCount: 0, command: '', oid: 0, fields: [] }),
  }
  const sweeper = createSweeper({
    ...deps(flaky),
    onSwept: (step) => void swept.push(step),
    onFailed: (step) => void failed.push(step),
    onError: (error) => void errors.push(error),
  })
  sweeper.start()
  while (!swept.includes('releaseExpiredClaims') || new Set(swept).size < 4) {
    vi.advanceTimersByTime(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await sweeper.stop()
  expect(errors).toHaveLength(2)
  expect(failed).toEqual(['releaseExpiredClaims', 'releaseExpiredClaims'])
})

test('releasing waiting messages never makes a run much longer than ten seconds', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  let rounds = 0
  const endless: Queryable = {
    query: () => {
      rounds++
      vi.advanceTimersByTime(1_000)
      const rows = [JSON.parse('{"n":200,"next":null}')]
      return Promise.resolve({ rows, rowCount: 1, command: '', oid: 0, fields: [] })
    },
  }
  expect(await sweepSteps.releaseWaiting(deps(endless))).toBe(2_000)
  expect(rounds).toBe(10)
})
