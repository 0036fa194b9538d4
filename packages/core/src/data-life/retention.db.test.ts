import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildTenant } from '../../test/rows.ts'
import { noFailpoint } from '../lib/index.ts'
import { type RetentionRun, runRetention } from './retention.ts'
import { previewRetention } from './sql/preview-retention.ts'
import { type RetentionStep, retainStep } from './sql/retain-step.ts'

/** Ten days of content, thirty of records. */
const SHORT = { content_days: 10, record_days: 30 }
const LONG = { content_days: 60, record_days: 90 }
const TABLES = ['message', 'message_content', 'recipient', 'attempt', 'event'] as const

let db: TestDatabase
let today: string
beforeEach(async () => {
  db = await createTestDatabase()
  const { rows } = await db.pool.query<{ today: string }>({
    text: `select (now() at time zone 'utc')::date as today`,
  })
  today = rows[0]?.today ?? ''
})
afterEach(() => db.drop())

async function buildKeeper(limits: object): Promise<string> {
  const id = await buildTenant(db.pool)
  await db.pool.query({
    text: 'update tenant set own_limits = $2 where id = $1',
    values: [id, JSON.stringify(limits)],
  })
  return id
}

/** Messages of a day that long ago, each with a row in every table. Days before all partitions are those of a clock that was wrong. */
async function fill(tenantId: string, daysAgo: number, count: number): Promise<void> {
  if (daysAgo < 100)
    await db.pool.query({
      text: 'select ensure_partitions_of(parent, $1::date - $2::int, $1::date - $2::int) from retention_tables()',
      values: [today, daysAgo],
    })
  await db.pool.query({
    text: `
      with ids as (
        select (left(uuid_at_day($2::date - $3::int)::text, 13) || '-7' || lpad(to_hex(i), 3, '0') || '-8000-' || right(gen_random_uuid()::text, 12))::uuid as id
        from generate_series(1, $4::int) i
      ), m as (
        insert into message (tenant_id, id, created_at, usage_day, mode, stream, from_address, subject, tags, attachment_count, content_bytes)
        select $1, id, $2::date - $3::int, $2::date - $3::int, 'live', 'transactional', 'a@acme.example', 'Hi', '{}', 0, 2 from ids
      ), c as (
        insert into message_content (tenant_id, message_id, document) select $1, id, '{"text":"Hi"}' from ids
      ), r as (
        insert into recipient (tenant_id, message_id, position, kind, address, status)
        select $1, id, 0, 'to', 'u@example.net', 'bounced' from ids
      ), a as (
        insert into attempt (tenant_id, message_id, number, provider, started_at, outcome, recipients)
        select $1, id, 1, 'capture', now(), 'accepted', '{0}' from ids
      )
      insert into event (tenant_id, message_id, type) select $1, id, 'recipient.sent' from ids`,
    values: [tenantId, today, daysAgo, count],
  })
}

async function count(tenantId: string): Promise<Record<(typeof TABLES)[number], number>> {
  const { rows } = await db.pool.query({
    text: `select ${TABLES.map((name) => `(select count(*)::int4 from ${name} where tenant_id = $1) as ${name}`).join(', ')}`,
    values: [tenantId],
  })
  return rows[0]
}

const all = (n: number) => Object.fromEntries(TABLES.map((name) => [name, n]))
const run = (): Promise<RetentionRun> => runRetention({ pool: db.batch, failpoint: noFailpoint, today })

async function leavesOf(daysAgo: number): Promise<string[]> {
  const { rows } = await db.pool.query<{ name: string }>({
    text: `select relname as name from pg_class where relkind = 'r' and relname ~ to_char($1::date - $2::int, '_YYYYMMDD') order by 1`,
    values: [today, daysAgo],
  })
  return rows.map(({ name }) => name).filter((name) => !/^(feed|provider_event|delivery_try)_/.test(name))
}

test('days whose time is over are dropped: content first, records later', async () => {
  const short = await buildKeeper(SHORT)
  for (const daysAgo of [10, 11, 30, 31]) await fill(short, daysAgo, 2)
  await run()
  expect(await count(short)).toEqual({ message: 6, message_content: 2, recipient: 6, attempt: 6, event: 6 })
  expect(await leavesOf(31)).toEqual([])
  expect((await run()).steps).not.toHaveProperty('detached')
})

test('a tenant that keeps its mail longer loses nothing while the day of the others goes', async () => {
  const [short, long] = [await buildKeeper(SHORT), await buildKeeper(LONG)]
  await fill(short, 40, 50)
  await fill(long, 40, 5)
  const { steps } = await run()
  expect(steps).toMatchObject({ copied: 5, swapped: 5 })
  expect(await count(short)).toEqual(all(0))
  expect(await count(long)).toEqual(all(5))
})

test('a day of which more than a fifth stays loses its rows in batches, and nothing of those who keep theirs', async () => {
  const [short, long] = [await buildKeeper(SHORT), await buildKeeper(LONG)]
  await fill(short, 40, 50)
  await fill(long, 40, 20)
  expect((await run()).steps.copied).toBeUndefined()
  expect(await count(short)).toEqual(all(0))
  expect(await count(long)).toEqual(all(20))
})

test('a message that is still to be sent stays, whatever its age', async () => {
  const short = await buildKeeper(SHORT)
  await fill(short, 40, 30)
  await db.pool.query({
    text: `insert into outbox (message_id, tenant_id, mode, state, content_bytes)
           select id, tenant_id, mode, 'waiting', 2 from message where tenant_id = $1 order by id limit 3`,
    values: [short],
  })
  await run()
  expect(await count(short)).toEqual(all(3))
  await db.pool.query({ text: 'delete from outbox' })
  await db.pool.query({ text: 'update retention_day set looked_on = null' })
  await run()
  expect(await count(short)).toEqual(all(0))
})

test('a run that ends between any two steps is continued, and what stays is never gone or doubled', async () => {
  const [short, long] = [await buildKeeper(SHORT), await buildKeeper(LONG)]
  await fill(short, 40, 50)
  await fill(short, 45, 50)
  await fill(long, 40, 5)
  const seen: RetentionStep['did'][] = []
  for (let did: RetentionStep['did'] = 'looked'; did !== 'nothing'; ) {
    // Each step is a process of its own here: nothing of it is left but what it committed.
    did = (await retainStep(db.batch, { today, skipped: [] })).did
    seen.push(did)
    expect(await count(long), `after ${did}`).toEqual(all(5))
  }
  expect(new Set(seen)).toEqual(new Set(['looked', 'detached', 'copied', 'swapped', 'dropped', 'nothing']))
  expect(await count(short)).toEqual(all(0))
})

test('rows that change between the copy and the swap stay as they were changed', async () => {
  const [short, long] = [await buildKeeper(SHORT), await buildKeeper(LONG)]
  await fill(short, 40, 50)
  await fill(long, 40, 5)
  const until = async (wanted: string, table: string) => {
    for (;;) {
      const step = await retainStep(db.batch, { today, skipped: [] })
      if (step.did === wanted && step.table?.startsWith(table)) return
      if (step.did === 'nothing') throw new Error(`${wanted} never came`)
    }
  }
  await until('copied', 'recipient')
  await db.pool.query({
    text: `update recipient set status = 'complained' where tenant_id = $1`,
    values: [long],
  })
  await until('copied', 'event')
  await db.pool.query({
    text: `insert into event (tenant_id, message_id, type) select tenant_id, id, 'late' from message where tenant_id = $1`,
    values: [long],
  })
  const { steps } = await run()
  expect(steps).not.toHaveProperty('again')
  expect(await count(long)).toEqual({ ...all(5), event: 10 })
  const { rows } = await db.pool.query({
    text: 'select distinct status, rare_status from recipient where tenant_id = $1',
    values: [long],
  })
  expect(rows).toEqual([{ status: 'complained', rare_status: 'complained' }])
})

test('a copy has everything that a partition has: key, indexes, bounds, row security, fill factor', async () => {
  const [short, long] = [await buildKeeper(SHORT), await buildKeeper(LONG)]
  const describe = async () => {
    const { rows } = await db.pool.query({
      text: `
        select c.relrowsecurity, c.reloptions, pg_get_expr(c.relpartbound, c.oid) as bounds,
               array(select regexp_replace(pg_get_indexdef(i.indexrelid), 'INDEX \\S+ ON', 'ON') from pg_index i where i.indrelid = c.oid order by 1) as indexes,
               array(select p.inhparent::regclass::text from pg_index i join pg_inherits p on p.inhrelid = i.indexrelid where i.indrelid = c.oid order by 1) as parents,
               array(select pg_get_constraintdef(k.oid) from pg_constraint k where k.conrelid = c.oid order by 1) as constraints
        from pg_class c where c.relname = any (array(select t || to_char($1::date - 40, '_YYYYMMDD') from unnest($2::text[]) t)) order by c.relname`,
      values: [today, [...TABLES]],
    })
    return rows
  }
  await fill(short, 40, 50)
  await fill(long, 40, 5)
  const before = await describe()
  await run()
  expect(await describe()).toEqual(before)
})

test('somebody who reads a day for long holds up that day alone, and the run says so', async () => {
  const short = await buildKeeper(SHORT)
  await fill(short, 40, 2)
  await fill(short, 41, 2)
  const [held = ''] = (await leavesOf(40)).filter((name) => name.startsWith('recipient'))
  const reader = await db.pool.connect()
  await reader.query(`begin; set local idle_in_transaction_session_timeout = 0; select count(*) from ${held}`)
  const { stuck } = await run()
  await reader.query('rollback')
  reader.release()
  expect(stuck).toEqual([held])
  await run()
  expect(await count(short)).toEqual(all(0))
})

test('rows outside of all days go when the time of their acceptance is over', async () => {
  const short = await buildKeeper(SHORT)
  await fill(short, 400, 3)
  await run()
  expect(await count(short)).toEqual(all(0))
  await fill(short, 400, 3)
  await db.pool.query({ text: `update message set created_at = now()` })
  await run()
  expect(await count(short)).toEqual(all(3))
})

test('a preview says what would go and changes nothing', async () => {
  const short = await buildKeeper(SHORT)
  await fill(short, 40, 3)
  const due = await previewRetention(db.batch, today)
  expect(due.map(({ table, rows, keptRows, action }) => ({ table, rows, keptRows, action }))).toEqual(
    ['message_content', 'message', 'recipient', 'attempt', 'event'].map((table) => ({
      table,
      rows: 3,
      keptRows: 0,
      action: 'drop',
    })),
  )
  expect(await count(short)).toEqual(all(3))
})
