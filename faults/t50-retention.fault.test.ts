import { setTimeout as sleep } from 'node:timers/promises'
import { runRetention } from '@lettergate/core/data-life'
import { noFailpoint } from '@lettergate/core/lib'
import { createPool, type Pool } from '@lettergate/db/pool'
import { expect, test } from 'vitest'
import { uuidOf } from './src/foreign-ids.ts'
import { loadDuring, percentile, statusesOf } from './src/paced-load.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

/** Of one day, which nobody but one tenant in a hundred messages keeps. */
const MESSAGES = faultsCount(20_000)
const AGE = 40
const PER_SECOND = 50
const CHUNK = 50_000
/** The promise is 200 ms; the time-out of each try is 50. */
const BLOCKED_MS_MAX = 200
const READER_MS = 2_000
const TABLES = ['message', 'message_content', 'recipient', 'attempt', 'event']

async function fill(pool: Pool, tenantId: string, from: number, count: number): Promise<void> {
  await pool.query({
    text: `
      with ids as (
        select (left(uuid_at_day((now() at time zone 'utc')::date - ${AGE})::text, 9) || left(lpad(to_hex(i), 8, '0'), 4) || '-7' ||
                substr(lpad(to_hex(i), 8, '0'), 5, 3) || '-8' || right(lpad(to_hex(i), 8, '0'), 1) || '00-' || left(md5(i::text), 12))::uuid as id
        from generate_series($2::int, $2::int + $3::int - 1) i
      ), m as (
        insert into message (tenant_id, id, created_at, usage_day, mode, stream, from_address, subject, tags, attachment_count, content_bytes)
        select $1, id, now() - interval '${AGE} days', now() - interval '${AGE} days', 'live', 'transactional', 'app@acme.example', 'Hi', '{}', 0, 500 from ids
      ), c as (
        insert into message_content (tenant_id, message_id, document) select $1, id, json_build_object('text', repeat(md5(id::text), 15)) from ids
      ), r as (
        insert into recipient (tenant_id, message_id, position, kind, address, status)
        select $1, id, 0, 'to', md5(id::text) || '@example.net', 'sent' from ids
      ), a as (
        insert into attempt (tenant_id, message_id, number, provider, started_at, outcome, recipients)
        select $1, id, 1, 'capture', now(), 'accepted', '{0}' from ids
      )
      insert into event (tenant_id, message_id, type) select $1, id, 'recipient.sent' from ids`,
    values: [tenantId, from, count],
  })
}

/** The longest time that a session of the gateway waited for a lock, as seen every few milliseconds. */
async function watchLocks(pool: Pool, isOver: () => boolean): Promise<number> {
  let most = 0
  while (!isOver()) {
    const { rows } = await pool.query<{ ms: number }>({
      name: 'watch-locks',
      text: `
        select coalesce(max(extract(epoch from clock_timestamp() - l.waitstart) * 1000), 0)::float8 as ms
        from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where not l.granted and a.application_name like 'lettergate%'`,
    })
    most = Math.max(most, rows[0]?.ms ?? 0)
    await sleep(4)
  }
  return Math.round(most)
}

/** Holds the day as a dump does, for some time. */
async function readSlowly(pool: Pool): Promise<void> {
  const client = await pool.connect()
  await client.query(
    `begin; select count(*) from recipient where message_id < uuid_at_day((now() at time zone 'utc')::date - 30)`,
  )
  await sleep(READER_MS)
  await client.query('rollback')
  client.release()
}

test('T50: a day of messages is dropped beside a reader and a load, and no session waits longer than 200 ms for its lock', async () => {
  announceSeed('T50')
  await using stack = await startStack({ dailyLimit: 1_000_000, tenants: 2 })
  const [short = '', long = ''] = stack.tenants.map(({ tenantId }) => uuidOf('ten', tenantId))
  const own = createPool({
    url: stack.env.DATABASE_URL ?? '',
    max: 6,
    applicationName: 'faults-retention',
    onError: () => {},
    statementTimeoutMs: 60_000,
  })
  const limits = 'update tenant set own_limits = $2 where id = $1'
  await own.query({ text: limits, values: [short, '{"content_days":7,"record_days":30}'] })
  await own.query({ text: limits, values: [long, '{"content_days":90,"record_days":90}'] })
  await own.query({
    text: `select ensure_partitions_of(parent, (now() at time zone 'utc')::date - ${AGE}, (now() at time zone 'utc')::date - ${AGE}) from retention_tables()`,
  })
  const stays = Math.ceil(MESSAGES / 100)
  for (let from = 0; from < MESSAGES; from += CHUNK)
    await fill(own, short, from, Math.min(CHUNK, MESSAGES - from))
  await fill(own, long, MESSAGES, stays)
  await own.query({ text: 'analyze message, message_content, recipient, attempt, event' })
  const load = (prefix: string, deed: () => Promise<unknown>) =>
    loadDuring(stack.client, { perSecond: PER_SECOND, prefix }, deed)
  const quiet = await load('quiet', () => sleep(3_000))
  let isOver = false
  const locks = watchLocks(own, () => isOver)
  let tookMs = 0
  const loud = await load('loud', async () => {
    const startedAt = performance.now()
    const reading = readSlowly(own)
    await sleep(50)
    for (;;) {
      const { steps, stuck } = await runRetention({ pool: own, failpoint: noFailpoint })
      if (steps.nothing && stuck.length === 0) break
      // The worker of the stack is at a step.
      if (steps.elsewhere) await sleep(100)
    }
    await reading
    tookMs = Math.round(performance.now() - startedAt)
  })
  isOver = true
  const blockedMs = await locks
  const { rows } = await own.query({
    text: `select ${TABLES.map((name) => `(select count(*)::int4 from ${name} where tenant_id = $1) as ${name}`).join(', ')}`,
    values: [long],
  })
  const left = await own.query({
    text: `select count(*)::int4 as n from message where tenant_id = $1 and id < uuid_at_day((now() at time zone 'utc')::date - 30)`,
    values: [short],
  })
  // Nobody promised these: the oracle must not find them.
  for (const name of TABLES)
    await own.query({ text: `delete from ${name} where tenant_id = $1`, values: [long] })
  await own.end()
  const { verdict } = await settle(stack, 60_000)
  expect(rows[0]).toEqual(Object.fromEntries(TABLES.map((name) => [name, stays])))
  expect(left.rows[0]?.n).toBe(0)
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  expect(Object.keys(statusesOf(loud))).toEqual(['202'])
  expect(blockedMs).toBeLessThanOrEqual(BLOCKED_MS_MAX)
  reportResult({
    test: 'T50',
    fault: `a day of ${MESSAGES} messages goes while a reader holds it for ${READER_MS / 1000} s, beside ${PER_SECOND} sends a second`,
    n: loud.length,
    result: `longest wait for a lock ${blockedMs} ms, sends at most ${percentile(loud, 1)} ms (${percentile(quiet, 1)} before), all 202, in ${tookMs} ms; ${stays} messages of another tenant stay`,
    bound: `wait for a lock ≤ ${BLOCKED_MS_MAX} ms; 0 lost, 0 repeats`,
  })
}, 1_200_000)
