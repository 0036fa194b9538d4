import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { buildPoolBed, proveDomains } from '../../test/pool-bed.ts'
import { noFailpoint } from '../lib/index.ts'
import { forgetReputation } from './sql/forget-reputation.ts'
import { updatePoolSetting } from './sql/pool-setting.ts'
import { listPoolTenants, setPoolCeiling } from './sql/pool-tenants.ts'
import { raiseCeilings } from './sql/raise-ceilings.ts'
import { setPoolState } from './sql/set-pool-state.ts'
import { judgeDueTenants } from './watch-pool.ts'

let db: TestDatabase
let bed: Awaited<ReturnType<typeof buildPoolBed>>
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
  await proveDomains(db, 'acme.example')
  bed = await buildPoolBed(db)
})
afterEach(() => bed.stop())
afterAll(() => db.drop())

const judge = (failpoint = noFailpoint) => judgeDueTenants({ pool: db.batch, failpoint })

async function report(
  change: Partial<Record<'handed' | 'bounced_hard' | 'complained', number>>,
  days = 0,
): Promise<void> {
  const { handed = 0, bounced_hard: bounced = 0, complained = 0 } = change
  await db.pool.query({
    text: `insert into reputation_hour as h (tenant_id, hour, handed, bounced_hard, complained, unseen)
           values ($1, date_trunc('hour', now() - $5 * interval '1 day'), $2, $3, $4, $3::int + $4::int)
           on conflict (tenant_id, hour) do update set handed = h.handed + excluded.handed,
             bounced_hard = h.bounced_hard + excluded.bounced_hard, unseen = h.unseen + excluded.unseen`,
    values: [bed.tenantId, handed, bounced, complained, days],
  })
}

async function events(): Promise<{ type: string; data: { reason: string } }[]> {
  const { rows } = await db.pool.query<{ type: string; data: { reason: string } }>({
    text: 'select type, data from account_event where tenant_id = $1 order by seq',
    values: [bed.tenantId],
  })
  return rows
}

async function state() {
  const { rows } = await db.pool.query<{
    state: string | null
    pool_limit: number
    version: number
    ceiling: number | null
  }>({
    text: `select a.state, u.pool_limit, t.connections_version as version, t.pool_ceiling as ceiling
           from tenant t join usage u on u.tenant_id = t.id left join abuse_state a on a.tenant_id = t.id where t.id = $1`,
    values: [bed.tenantId],
  })
  return rows[0]
}

test('too many bounces stop the pool at once: the share of the day is 0, an event says why, and held mail waits', async () => {
  const before = await state()
  await report({ handed: 100, bounced_hard: 15 })
  expect(await judge()).toBe(1)
  expect(await state()).toMatchObject({ state: 'paused', pool_limit: 0, version: (before?.version ?? 0) + 1 })
  expect(await events()).toEqual([
    { type: 'pool.paused', data: { reason: '15 of 100 recipients bounced; the limit is 10 %' } },
  ])
  await bed.accept(['a@example.net'])
  await bed.run()
  expect(bed.calls).toEqual([])
  expect(await bed.reason()).toMatch(/shared pool, which is paused for you/)
})

test('a warning is one event however often it is looked at, and a pause follows it', async () => {
  await report({ handed: 100, bounced_hard: 10 })
  await judge()
  await report({ bounced_hard: 1 })
  await db.pool.query({ text: `update abuse_state set looked_at = now() - interval '2 hours'` })
  await judge()
  expect((await events()).map(({ type }) => type)).toEqual(['pool.warned'])
  await report({ bounced_hard: 25 })
  await judge()
  expect((await events()).map(({ type }) => type)).toEqual(['pool.warned', 'pool.paused'])
})

test('fewer than 25 new events are looked at once an hour', async () => {
  await report({ handed: 100, bounced_hard: 1 })
  expect(await judge()).toBe(1)
  await report({ bounced_hard: 20 })
  expect(await judge()).toBe(0)
  await report({ bounced_hard: 4 })
  expect(await judge()).toBe(0)
  await report({ bounced_hard: 1 })
  expect(await judge()).toBe(1)
})

test('two workers make one decision, and one that dies in the middle makes none', async () => {
  await report({ handed: 100, bounced_hard: 30 })
  await expect(
    judge(() => {
      throw new Error('killed')
    }),
  ).rejects.toThrow('killed')
  expect(await events()).toEqual([])
  await Promise.all([judge(), judge(), judge()])
  expect((await events()).map(({ type }) => type)).toEqual(['pool.paused'])
})

test('only the operator ends a pause; then earlier mail does not count any more, and held mail is sent', async () => {
  await report({ handed: 100, bounced_hard: 30 }, 1)
  await judge()
  await bed.accept(['a@example.net'])
  await bed.run()
  await db.pool.query({ text: 'delete from reputation_hour' })
  await db.pool.query({ text: `update abuse_state set looked_at = null` })
  await judge()
  expect(await state()).toMatchObject({ state: 'paused' })
  await report({ handed: 100, bounced_hard: 30 }, 1)
  expect(
    await setPoolState(db.batch, bed.tenantId, { state: 'ok', by: 'operator', why: 'list was cleaned' }),
  ).toBe(true)
  expect(await setPoolState(db.batch, bed.tenantId, { state: 'ok', by: 'operator', why: 'again' })).toBe(
    false,
  )
  expect(await state()).toMatchObject({ state: 'ok', pool_limit: 1_000 })
  await judge()
  expect((await events()).map(({ type }) => type)).toEqual(['pool.paused', 'pool.resumed'])
  await bed.release()
  await bed.run()
  expect(await bed.statuses()).toEqual({ sent: 1 })
})

test('the ceiling of a new tenant doubles after each good day, once, and ends at the plan', async () => {
  await updatePoolSetting(db.batch, { ramp_from: 50 })
  const { rows } = await db.pool.query<{ pool_ceiling: number; pool_ramp: boolean }>({
    text: `insert into tenant (id, name, plan, daily_limit) values (gen_random_uuid(), 'New', 'scale', 10) returning pool_ceiling, pool_ramp`,
  })
  expect(rows).toEqual([{ pool_ceiling: 50, pool_ramp: true }])
  await db.pool.query({
    text: 'update tenant set pool_ceiling = 400, pool_ramp = true where id = $1',
    values: [bed.tenantId],
  })
  expect(await state()).toMatchObject({ pool_limit: 400 })
  await report({ handed: 19 }, 1)
  await raiseCeilings(db.batch, 100)
  expect(await state()).toMatchObject({ ceiling: 400 })
  await db.pool.query({ text: `update abuse_state set ramp_day = ramp_day - 1` })
  await report({ handed: 1 }, 1)
  await raiseCeilings(db.batch, 100)
  await raiseCeilings(db.batch, 100)
  expect(await state()).toMatchObject({ ceiling: 800, pool_limit: 800 })
  await db.pool.query({ text: `update abuse_state set ramp_day = ramp_day - 1` })
  await raiseCeilings(db.batch, 100)
  expect(await state()).toMatchObject({ ceiling: null, pool_limit: 1_000 })
})

test('a ceiling by the operator holds at once, also for a day that begins later, and can be taken away', async () => {
  expect(await setPoolCeiling(db.batch, bed.tenantId, 7)).toBe(true)
  expect(await state()).toMatchObject({ pool_limit: 7 })
  await db.pool.query({ text: 'update usage set day = day - 1' })
  await db.pool.query({ text: `select open_usage($1, 'live')`, values: [bed.tenantId] })
  const { rows } = await db.pool.query({ text: 'select pool_limit from usage order by day desc limit 1' })
  expect(rows).toEqual([{ pool_limit: 7 }])
  await setPoolCeiling(db.batch, bed.tenantId, null)
  const { rows: after } = await db.pool.query({
    text: 'select pool_limit from usage order by day desc limit 1',
  })
  expect(after).toEqual([{ pool_limit: 1_000 }])
  expect(await setPoolCeiling(db.batch, '00000000-0000-4000-8000-000000000000', 1)).toBe(false)
})

test('the list shows who is paused and why; old hours are forgotten', async () => {
  await report({ handed: 100, bounced_hard: 30 })
  await report({ handed: 5 }, 10)
  await judge()
  const [row] = await listPoolTenants(db.batch, { limit: 10 })
  expect(row).toMatchObject({
    tenantId: bed.tenantId,
    state: 'paused',
    handed: 100,
    bounced: 30,
    limit: 0,
    used: 0,
  })
  expect(await forgetReputation(db.batch, 100)).toBe(1)
})
