import type { Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { acceptMessages } from '../src/accept/index.ts'
import { cancelMessage, createMessageReader } from '../src/messages/index.ts'
import { ensureUsage } from '../src/usage/index.ts'
import { buildRow, buildTenant, buildUnit } from './rows.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

/** Which day it is, for the statements of this version; the version before asks the clock. */
const setDay = (pool: Pool, ahead: number) =>
  pool.query(`create or replace function usage_today() returns date language sql stable as
    $$ select (now() at time zone 'utc')::date + ${ahead} $$`)

type Days = { day: string; wrong_month: boolean; wrong_ledger: boolean; wrong_pool: boolean }

/** The days on which a sum differs from what it is a sum of. `older`: recipients that the version before counted, which has no ledger. */
async function wrongDays(tenantId: string, older: number): Promise<Days[]> {
  const { rows } = await db.pool.query<Days>({
    text: `
      with counted as (
        select u.*, (u.month_before <> (select coalesce(sum(e.accepted), 0) from usage e where e.tenant_id = u.tenant_id and e.mode = u.mode
                       and e.day < u.day and e.day >= date_trunc('month', u.day))) as wrong_month
        from usage u where u.tenant_id = $1
      )
      select c.day, c.wrong_month,
             c.accepted <> (select coalesce(sum(m.recipient_count - m.returned), 0) from message m
                            where m.tenant_id = $1 and m.usage_day = c.day)
               + case when c.day = (now() at time zone 'utc')::date then $2::int4 else 0 end as wrong_ledger,
             c.pool <> (select coalesce(sum(m.pool_n), 0) from message m where m.tenant_id = $1 and m.pool_day = c.day) as wrong_pool
      from counted c
      where day_limit is not null
      order by day`,
    values: [tenantId, older],
  })
  return rows.filter((row) => row.wrong_month || row.wrong_ledger || row.wrong_pool)
}

async function acceptOne(pool: Pool, tenantId: string): Promise<string> {
  const row = buildRow({ pool: { pool: 'may', overflow: 'reject' } })
  for (;;) {
    const [result] = await acceptMessages(pool, [buildUnit(tenantId, [row])])
    if (result?.admitted) return row.id
    if (result?.verdict !== 'no-day') throw new Error(`refused: ${result?.verdict}`)
    await ensureUsage(pool, [{ id: tenantId, mode: 'live' }])
  }
}

/** As the version before counts, and gives back. */
async function countAsBefore(pool: Pool, tenantId: string, n: number): Promise<void> {
  await pool.query({
    text: `insert into usage (tenant_id, day, mode) values ($1, (now() at time zone 'utc')::date, 'live') on conflict do nothing`,
    values: [tenantId],
  })
  await pool.query({
    text: `select add_usage($1, (g).day, 'live', $2) from (select lock_usage($1, 'live') as g) l`,
    values: [tenantId, n],
  })
}

test('while days begin, end and go back, mail is cancelled and the version before counts too, every sum stays what it is a sum of', async () => {
  const tenantId = await buildTenant(db.pool)
  const stored: string[] = []
  const canceller = { tenants: db.tenants, messages: createMessageReader({ pool: db.pool }) }
  let older = 0
  // The month's end is among them, and the clock is set back twice.
  for (const ahead of [0, 1, 2, 1, 15, 31, 30, 33]) {
    const accept = async () => {
      for (let i = 0; i < 12; i++) stored.push(await acceptOne(db.batch, tenantId))
    }
    const giveBack = async () => {
      for (let i = 0; i < 6; i++) {
        const [id] = stored.splice(Math.floor((stored.length * i) / 6), 1)
        if (id) await cancelMessage(canceller, { tenantId, mode: 'live' }, id)
      }
    }
    const before = async () => {
      for (let i = 0; i < 4; i++) {
        await countAsBefore(db.batch, tenantId, 2)
        await countAsBefore(db.batch, tenantId, -1)
        older += 1
      }
    }
    await Promise.all([
      accept(),
      accept(),
      accept(),
      giveBack(),
      giveBack(),
      before(),
      setDay(db.pool, ahead),
    ])
    expect({ ahead, wrong: await wrongDays(tenantId, older) }).toEqual({ ahead, wrong: [] })
  }
  const { rows } = await db.pool.query({
    text: 'select count(*) filter (where not closed)::int4 as open, count(*)::int4 > 5 as many from usage where tenant_id = $1',
    values: [tenantId],
  })
  expect(rows).toEqual([{ open: 1, many: true }])
  await setDay(db.pool, 0)
}, 60_000)

test('many that begin a day at once make one row, with the limits in force', async () => {
  const tenantId = await buildTenant(db.pool, { dailyLimit: 5 })
  await Promise.all(Array.from({ length: 8 }, () => ensureUsage(db.batch, [{ id: tenantId, mode: 'live' }])))
  const { rows } = await db.pool.query({
    text: 'select day_limit, month_limit, pool_limit, closed from usage where tenant_id = $1',
    values: [tenantId],
  })
  expect(rows).toEqual([{ day_limit: 5, month_limit: null, pool_limit: 1000, closed: false }])
})

test('a higher limit counts at once, a lower one from the next day on, and a pause of the pool stays', async () => {
  const tenantId = await buildTenant(db.pool)
  const limits = async () => {
    const { rows } = await db.pool.query({
      text: `select day_limit, month_limit, pool_limit from usage where tenant_id = $1 order by day desc limit 1`,
      values: [tenantId],
    })
    return rows[0]
  }
  const set = (columns: string) =>
    db.pool.query({ text: `update tenant set ${columns} where id = $1`, values: [tenantId] })
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  await set(
    `own_limits = '{"accepted_per_day": 2000000, "pool_per_day": 5000, "accepted_per_month": 3000000}'`,
  )
  expect(await limits()).toEqual({ day_limit: 2_000_000, month_limit: null, pool_limit: 5000 })
  await set(`plan = 'free', own_limits = '{}'`)
  expect(await limits()).toEqual({ day_limit: 2_000_000, month_limit: null, pool_limit: 5000 })
  await db.pool.query({ text: 'update usage set pool_limit = 0 where tenant_id = $1', values: [tenantId] })
  await set(`plan = 'scale'`)
  expect(await limits()).toMatchObject({ pool_limit: 0 })
  await set(`plan = 'free'`)
  await setDay(db.pool, 1)
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  expect(await limits()).toEqual({ day_limit: 200, month_limit: null, pool_limit: 200 })
  await setDay(db.pool, 0)
})
