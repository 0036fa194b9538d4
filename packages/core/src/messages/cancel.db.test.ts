import { Problem } from '@lettergate/contracts/problems/problems'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Backlog, buildBacklog } from '../../test/backlog.ts'
import { cancelMessage } from './cancel.ts'
import { createMessageReader } from './read.ts'
import { retryMessage } from './retry.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const deps = () => ({ tenants: db.tenants, messages: createMessageReader({ pool: db.pool }) })
const cancel = ({ tenantId, messageId }: Backlog) =>
  cancelMessage(deps(), { tenantId, mode: 'live' }, messageId)

const wrongState = expect.objectContaining({ code: 'wrong-state' })

describe('cancelMessage', () => {
  it('cancels waiting recipients, refunds the quota once, and leaves nothing to send', async () => {
    const backlog = await buildBacklog(db.pool, { recipients: 3 })
    expect(await backlog.used()).toBe(3)
    expect((await cancel(backlog)).status).toBe('cancelled')
    expect(await backlog.used()).toBe(0)
    expect(await backlog.outbox()).toEqual([])
    await expect(cancel(backlog)).rejects.toEqual(wrongState)
    expect(await backlog.used()).toBe(0)
  })

  it('cancels a scheduled message', async () => {
    const backlog = await buildBacklog(db.pool, { sendAt: new Date(Date.now() + 3_600_000) })
    expect((await cancel(backlog)).status).toBe('cancelled')
  })

  it('leaves sent recipients unchanged and counted', async () => {
    const backlog = await buildBacklog(db.pool, { recipients: 3 })
    const claim = await backlog.claim()
    if (!claim || !(await backlog.fence(claim))) throw new Error('not claimed')
    await backlog.record(claim, ['sent', 'deferred', 'deferred'], 60_000)
    await cancel(backlog)
    expect(await backlog.statuses()).toEqual(['sent', 'cancelled', 'cancelled'])
    expect(await backlog.used()).toBe(1)
  })

  it('a recipient that may have been sent becomes unknown, and stays counted', async () => {
    const backlog = await buildBacklog(db.pool)
    const claim = await backlog.claim()
    if (!claim || !(await backlog.fence(claim))) throw new Error('not claimed')
    await backlog.record(claim, ['deferred'], 60_000, 'unknown')
    await cancel(backlog)
    expect(await backlog.statuses()).toEqual(['unknown'])
    expect(await backlog.used()).toBe(1)
  })

  it('a recipient that any attempt may have reached stays counted, also after a retry and a deferral', async () => {
    const backlog = await buildBacklog(db.pool, { recipients: 2, dailyLimit: 5 })
    const claim = await backlog.claim()
    if (!claim || !(await backlog.fence(claim))) throw new Error('not claimed')
    await backlog.record(claim, ['unknown'], 60_000, 'unknown')
    await retryMessage(deps(), { tenantId: backlog.tenantId, mode: 'live' }, backlog.messageId)
    const again = await backlog.claim()
    if (!again || !(await backlog.fence(again))) throw new Error('not claimed')
    await backlog.record(again, ['deferred', 'deferred'], 60_000)
    await cancel(backlog)
    // The second recipient was never carried by the try that nobody knows of.
    expect(await backlog.statuses()).toEqual(['unknown', 'cancelled'])
    expect(await backlog.used()).toBe(1)
  })

  it('a recipient stays counted if only an event shows that its answer was lost', async () => {
    const backlog = await buildBacklog(db.pool, { recipients: 2 })
    const claim = await backlog.claim()
    if (!claim || !(await backlog.fence(claim))) throw new Error('not claimed')
    await backlog.record(claim, ['unknown', 'deferred'], 60_000, 'deferred')
    await retryMessage(deps(), { tenantId: backlog.tenantId, mode: 'live' }, backlog.messageId)
    await cancel(backlog)
    expect(await backlog.statuses()).toEqual(['unknown', 'cancelled'])
    expect(await backlog.used()).toBe(1)
  })

  it('is refused while the message is being sent, and afterwards', async () => {
    const backlog = await buildBacklog(db.pool)
    const claim = await backlog.claim()
    if (!claim || !(await backlog.fence(claim))) throw new Error('not claimed')
    await expect(cancel(backlog)).rejects.toEqual(wrongState)
    await backlog.record(claim, ['sent'])
    await expect(cancel(backlog)).rejects.toEqual(wrongState)
    expect(await backlog.statuses()).toEqual(['sent'])
    expect(await backlog.used()).toBe(1)
  })

  it('a worker that had claimed the message cannot send it any more', async () => {
    const backlog = await buildBacklog(db.pool)
    const claim = await backlog.claim()
    if (!claim) throw new Error('not claimed')
    await cancel(backlog)
    expect(await backlog.fence(claim)).toBe(false)
  })

  it('when a cancellation and a worker meet, exactly one of the two wins', async () => {
    const wins = { cancel: 0, worker: 0 }
    for (let round = 0; round < 40; round++) {
      const backlog = await buildBacklog(db.pool)
      const claim = await backlog.claim()
      if (!claim) throw new Error('not claimed')
      const [isSent, isCancelled] = await Promise.all([
        backlog.fence(claim),
        cancel(backlog).then(
          () => true,
          (error: unknown) => {
            if (error instanceof Problem && error.code === 'wrong-state') return false
            throw error
          },
        ),
      ])
      expect(isSent).toBe(!isCancelled)
      expect(await backlog.used()).toBe(isCancelled ? 0 : 1)
      wins[isCancelled ? 'cancel' : 'worker']++
    }
    expect(wins.cancel + wins.worker).toBe(40)
  })

  it('ten concurrent cancellations refund the quota once', async () => {
    const backlog = await buildBacklog(db.pool, { recipients: 2 })
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => cancel(backlog)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await backlog.used()).toBe(0)
  })
})
