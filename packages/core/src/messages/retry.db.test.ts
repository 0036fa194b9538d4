import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Backlog, buildBacklog, type TriedStatus } from '../../test/backlog.ts'
import { proveUsage } from '../usage/index.ts'
import { cancelMessage } from './cancel.ts'
import { createMessageReader } from './read.ts'
import { retryMessage } from './retry.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const deps = () => ({ tenants: db.tenants, messages: createMessageReader({ pool: db.pool }) })
const retry = ({ tenantId, messageId }: Backlog) =>
  retryMessage(deps(), { tenantId, mode: 'live' }, messageId)
const wrongState = expect.objectContaining({ code: 'wrong-state' })

/** Brings a message to where a worker leaves it. */
async function attempted(backlog: Backlog, statuses: TriedStatus[], retryInMs?: number): Promise<void> {
  const claim = await backlog.claim()
  if (!claim || !(await backlog.fence(claim))) throw new Error('not claimed')
  await backlog.record(claim, statuses, retryInMs)
}

/** Moves a message, as it was counted, to the day before. */
async function dateBack({ tenantId, messageId }: Backlog): Promise<void> {
  await db.pool.query({ text: 'update usage set day = day - 1 where tenant_id = $1', values: [tenantId] })
  await db.pool.query({
    text: 'update message set usage_day = usage_day - 1 where tenant_id = $1 and id = $2',
    values: [tenantId, messageId],
  })
}

/** Which day it is, for statements that count. */
const tomorrow = (ahead: number) =>
  db.pool.query(`create or replace function usage_today() returns date language sql stable as
    $$ select (now() at time zone 'utc')::date + ${ahead} $$`)
const SAME_MONTH = new Date(Date.now() + 86_400_000).getUTCDate() > 1

async function usageByDay({ tenantId }: Backlog): Promise<number[]> {
  const { rows } = await db.pool.query<{ accepted: number }>({
    text: 'select accepted from usage where tenant_id = $1 order by day',
    values: [tenantId],
  })
  return rows.map((row) => row.accepted)
}

describe('retryMessage', () => {
  it('queues failed recipients again, counts them again, and does not change sent ones', async () => {
    const backlog = await buildBacklog(db.pool, { recipients: 2 })
    await attempted(backlog, ['sent', 'failed'])
    expect(await backlog.used()).toBe(1)
    expect(await retry(backlog)).toMatchObject({ kind: 'queued', message: { status: 'queued' } })
    expect(await backlog.statuses()).toEqual(['sent', 'queued'])
    expect(await backlog.used()).toBe(2)
    expect(await backlog.outbox()).toEqual([{ state: 'ready', attempts: 1 }])
  })

  it('the next attempt has the next number, and a worker with an old claim cannot write to it', async () => {
    const backlog = await buildBacklog(db.pool)
    const old = await backlog.claim()
    if (!old || !(await backlog.fence(old))) throw new Error('not claimed')
    await backlog.record(old, ['failed'])
    await retry(backlog)
    const next = await backlog.claim()
    if (!next) throw new Error('not claimed')
    expect(await backlog.fence(old)).toBe(false)
    expect(await backlog.fence(next)).toBe(true)
    await backlog.record(next, ['sent'])
    const { rows } = await db.pool.query({
      text: 'select number from attempt where message_id = $1 order by number',
      values: [backlog.messageId],
    })
    expect(rows).toEqual([{ number: 1 }, { number: 2 }])
  })

  it('makes a deferred message due now, without a second place in the backlog and without counting it again', async () => {
    const backlog = await buildBacklog(db.pool)
    await attempted(backlog, ['deferred'], 3_600_000)
    expect(await backlog.claim()).toBeUndefined()
    await retry(backlog)
    expect(await backlog.outbox()).toEqual([{ state: 'ready', attempts: 1 }])
    expect(await backlog.used()).toBe(1)
    expect(await backlog.claim()).toBeDefined()
  })

  it('sends an unknown message again only on request, and counts it once', async () => {
    const backlog = await buildBacklog(db.pool)
    await attempted(backlog, ['unknown'])
    await retry(backlog)
    expect(await backlog.statuses()).toEqual(['queued'])
    expect(await backlog.used()).toBe(1)
  })

  it('refuses a message that needs no retry: sent, cancelled, about to be sent, being sent', async () => {
    const sent = await buildBacklog(db.pool)
    await attempted(sent, ['sent'])
    await expect(retry(sent)).rejects.toEqual(wrongState)
    const cancelled = await buildBacklog(db.pool)
    await cancelMessage(deps(), { tenantId: cancelled.tenantId, mode: 'live' }, cancelled.messageId)
    await expect(retry(cancelled)).rejects.toEqual(wrongState)
    const queued = await buildBacklog(db.pool)
    await expect(retry(queued)).rejects.toEqual(wrongState)
    const claim = await queued.claim()
    if (!claim) throw new Error('not claimed')
    await expect(retry(queued)).rejects.toEqual(wrongState)
    await queued.fence(claim)
    await expect(retry(queued)).rejects.toEqual(wrongState)
  })

  it('refuses without any change when the daily quota is used up', async () => {
    const backlog = await buildBacklog(db.pool, { recipients: 2, dailyLimit: 2 })
    await attempted(backlog, ['failed', 'failed'])
    const other = { text: 'update usage set accepted = 1 where tenant_id = $1', values: [backlog.tenantId] }
    await db.pool.query(other)
    expect(await retry(backlog)).toMatchObject({
      kind: 'quota-exceeded',
      requested: 2,
      quota: { day: { limit: 2, used: 1 } },
    })
    expect(await backlog.statuses()).toEqual(['failed', 'failed'])
    expect(await backlog.outbox()).toEqual([])
    expect(await backlog.used()).toBe(1)
  })

  it('on another day, retried recipients count on that day only', async () => {
    const backlog = await buildBacklog(db.pool, { recipients: 3 })
    await attempted(backlog, ['sent', 'deferred', 'failed'], 60_000)
    await dateBack(backlog)
    await retry(backlog)
    expect(await usageByDay(backlog)).toEqual([1, 2])
    await attempted(backlog, ['sent', 'failed', 'failed'])
    expect(await usageByDay(backlog)).toEqual([1, 0])
  })

  it('ten concurrent retries queue the message once and count it once', async () => {
    const backlog = await buildBacklog(db.pool)
    await attempted(backlog, ['failed'])
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => retry(backlog)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await backlog.outbox()).toHaveLength(1)
    expect(await backlog.used()).toBe(1)
  })

  it('when a retry and a cancellation meet, the result is one state with a matching quota', async () => {
    for (let round = 0; round < 20; round++) {
      const backlog = await buildBacklog(db.pool)
      await attempted(backlog, ['deferred'], 3_600_000)
      await Promise.allSettled([
        retry(backlog),
        cancelMessage(deps(), { tenantId: backlog.tenantId, mode: 'live' }, backlog.messageId),
      ])
      const [status] = await backlog.statuses()
      const isCancelled = status === 'cancelled'
      expect(await backlog.outbox()).toHaveLength(isCancelled ? 0 : 1)
      expect(await backlog.used()).toBe(isCancelled ? 0 : 1)
    }
  })

  it('on a later day takes along what waits, leaves behind what was sent, and gives the share of the pool back', async () => {
    const backlog = await buildBacklog(db.pool, { recipients: 4, onPool: true })
    await attempted(backlog, ['sent', 'failed', 'unknown', 'deferred'], 3_600_000)
    const counted = async () => {
      const { rows } = await db.pool.query({
        text: `select accepted, pool, left_behind, pool_left_behind, month_before, bytes > 0 as has_bytes from usage
               where tenant_id = $1 order by day`,
        values: [backlog.tenantId],
      })
      return rows
    }
    expect(await counted()).toMatchObject([{ accepted: 3, pool: 3 }])
    await tomorrow(1)
    await retry(backlog)
    expect(await counted()).toEqual([
      { accepted: 1, pool: 2, left_behind: 1, pool_left_behind: 2, month_before: 0, has_bytes: true },
      {
        accepted: 3,
        pool: 0,
        left_behind: 0,
        pool_left_behind: 0,
        month_before: SAME_MONTH ? 1 : 0,
        has_bytes: false,
      },
    ])
    // Both days are still what their messages say.
    await db.pool.query('update usage_proof set day = usage_today() - 1')
    const own = ({ tenantId }: { tenantId: string }) => tenantId === backlog.tenantId
    expect((await proveUsage({ pool: db.pool }, 'day')).filter(own)).toEqual([])
    expect((await proveUsage({ pool: db.pool }, 'tenant')).filter(own)).toEqual([])
    await tomorrow(0)
  })

  it('is refused by the month as by the day', async () => {
    const backlog = await buildBacklog(db.pool)
    await attempted(backlog, ['failed'])
    await db.pool.query({
      text: 'update usage set month_limit = 5, month_before = 5 where tenant_id = $1',
      values: [backlog.tenantId],
    })
    expect(await retry(backlog)).toMatchObject({ kind: 'quota-exceeded', counter: 'month', requested: 1 })
    expect(await backlog.statuses()).toEqual(['failed'])
  })
})
