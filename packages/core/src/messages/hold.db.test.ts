import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Backlog, buildBacklog } from '../../test/backlog.ts'
import { promoteDue } from '../dispatch/index.ts'
import { cancelMessage } from './cancel.ts'
import { explainMessage } from './explain.ts'
import { holdMessage, releaseMessage } from './hold.ts'
import { createMessageReader } from './read.ts'
import { retryMessage } from './retry.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

type Act = typeof holdMessage
const deps = () => ({ tenants: db.tenants, messages: createMessageReader({ pool: db.pool }) })
const on = (act: Act, { tenantId, messageId }: Backlog) => act(deps(), { tenantId, mode: 'live' }, messageId)
const wrongState = expect.objectContaining({ code: 'wrong-state' })

async function eventsOf({ messageId }: Backlog): Promise<string[]> {
  const { rows } = await db.pool.query<{ type: string }>({
    text: 'select type from event where message_id = $1 order by seq',
    values: [messageId],
  })
  return rows.map(({ type }) => type)
}

describe('a message that a person holds', () => {
  it('is not claimed and not promoted, stays counted, and says why it waits', async () => {
    const backlog = await buildBacklog(db.pool, { recipients: 2 })
    expect(await on(holdMessage, backlog)).toMatchObject({
      status: 'held',
      recipients: [{ reason: 'held by you: release it to send it' }, {}],
    })
    await promoteDue(db.pool, 100)
    expect(await backlog.claim()).toBeUndefined()
    expect(await backlog.used()).toBe(2)
    const { tenantId, messageId } = backlog
    const { reasons } = await explainMessage(deps(), { tenantId, mode: 'live' }, messageId)
    expect(reasons[0]).toMatchObject({ code: 'held', detail: expect.stringContaining('/release') })
    await expect(on(holdMessage, backlog)).rejects.toEqual(wrongState)
  })

  it('is due at once when it is released, once, with an event each time', async () => {
    const backlog = await buildBacklog(db.pool)
    await on(holdMessage, backlog)
    expect(await on(releaseMessage, backlog)).toMatchObject({
      status: 'queued',
      recipients: [{ reason: null }],
    })
    await expect(on(releaseMessage, backlog)).rejects.toEqual(wrongState)
    expect(await eventsOf(backlog)).toEqual(['recipient.held', 'recipient.released'])
    const claim = await backlog.claim()
    expect(claim && (await backlog.fence(claim))).toBe(true)
  })

  it('is scheduled as before when its time is still to come', async () => {
    const sendAt = new Date(Date.now() + 3_600_000)
    const backlog = await buildBacklog(db.pool, { sendAt })
    await on(holdMessage, backlog)
    expect(await on(releaseMessage, backlog)).toMatchObject({ status: 'scheduled', dueAt: sendAt })
    expect(await backlog.outbox()).toMatchObject([{ state: 'waiting' }])
  })

  it('takes the message from a worker that has claimed it, and not from one that sends it', async () => {
    const claimed = await buildBacklog(db.pool)
    const claim = await claimed.claim()
    await on(holdMessage, claimed)
    expect(claim && (await claimed.fence(claim))).toBe(false)
    const sending = await buildBacklog(db.pool)
    const other = await sending.claim()
    if (!other || !(await sending.fence(other))) throw new Error('not fenced')
    await expect(on(holdMessage, sending)).rejects.toEqual(wrongState)
    await sending.record(other, ['sent'])
    await expect(on(holdMessage, sending)).rejects.toEqual(wrongState)
  })

  it('can be retried or cancelled, and is then held by nobody', async () => {
    const [retried, cancelled] = [await buildBacklog(db.pool), await buildBacklog(db.pool)]
    await on(holdMessage, retried)
    await retryMessage(deps(), { tenantId: retried.tenantId, mode: 'live' }, retried.messageId)
    await expect(on(releaseMessage, retried)).rejects.toEqual(wrongState)
    await on(holdMessage, cancelled)
    expect(await on(cancelMessage, cancelled)).toMatchObject({ status: 'cancelled' })
    expect(await cancelled.used()).toBe(0)
  })

  it('has its whole retry limit left after it was held for days', async () => {
    const backlog = await buildBacklog(db.pool)
    await on(holdMessage, backlog)
    const values = [backlog.messageId]
    await db.pool.query({
      text: `update outbox set held_at = now() - interval '5 days', first_due_at = now() - interval '5 days' where message_id = $1`,
      values,
    })
    await on(releaseMessage, backlog)
    const { rows } = await db.pool.query({
      text: 'select round(throttled_ms / 3600000)::int as hours from outbox where message_id = $1',
      values,
    })
    expect(rows).toEqual([{ hours: 120 }])
  })
})
