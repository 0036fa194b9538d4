import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildTenant, buildUnit } from '../../test/rows.ts'
import { acceptMessages } from '../accept/index.ts'
import { ensureUsage } from '../usage/index.ts'
import { filterValues } from './feed-filter.ts'
import { createFeedGroup, type FeedWaiter } from './feed-group.ts'
import { type FeedBatch, readFeedFrom, windowOfNow } from './read-feed.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const deps = () => ({ tenants: db.tenants, keptDays: 30 })

async function startTenant() {
  const tenantId = await buildTenant(db.pool)
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  const reader = { tenantId, mode: 'live' }
  return {
    reader,
    /** One event; answers the id of its message. */
    async accept(): Promise<string> {
      const unit = buildUnit(tenantId)
      await acceptMessages(db.pool, [unit])
      return unit.messages[0]?.id ?? ''
    },
    async waiter(change: Partial<FeedWaiter> = {}) {
      const batches: FeedBatch[] = []
      const { from } = await windowOfNow(deps(), tenantId)
      const waiter: FeedWaiter = {
        from,
        filter: filterValues({}, 'live'),
        limit: 100,
        answer: (batch) => void batches.push(batch),
        ...change,
      }
      return { waiter, batches }
    },
  }
}

const idsOf = (batch: FeedBatch | undefined) => batch?.events.map(({ messageId }) => messageId)

test('one read serves waiters of different moments, and gives none what it knew', async () => {
  const { reader, accept, waiter } = await startTenant()
  const group = createFeedGroup(deps(), reader)
  const early = await waiter()
  const first = await accept()
  const late = await waiter()
  const second = await accept()
  for (const { waiter: each } of [late, early]) group.add(each)
  await group.look()
  expect(idsOf(early.batches[0])).toEqual([first, second])
  expect(idsOf(late.batches[0])).toEqual([second])
  expect(group.waiters.size).toBe(0)
})

test('a waiter for whom nothing comes waits on, from the moment of the look', async () => {
  const { reader, accept, waiter } = await startTenant()
  const group = createFeedGroup(deps(), reader)
  const { waiter: bounces, batches } = await waiter({
    filter: filterValues({ types: ['recipient.bounced'] }, 'live'),
  })
  group.add(bounces)
  const before = bounces.from
  await accept()
  await group.look()
  expect(batches).toEqual([])
  expect(group.waiters.size).toBe(1)
  expect(bounces.from).not.toEqual(before)
})

test('a burst is given in parts, and their windows lead to the rest, once', async () => {
  const { reader, accept, waiter } = await startTenant()
  const group = createFeedGroup(deps(), reader)
  const [all, some] = [await waiter(), await waiter({ limit: 3 })]
  const ids: string[] = []
  for (let i = 0; i < 230; i++) ids.push(await accept())
  for (const { waiter: each } of [all, some]) group.add(each)
  await group.look()
  for (const [{ batches }, length] of [
    [all, 100],
    [some, 3],
  ] as const) {
    const [batch] = batches
    if (!batch) throw new Error('no answer')
    expect(batch).toMatchObject({ hasMore: true, events: { length } })
    const seen = idsOf(batch) ?? []
    for (let next = batch.next, hasMore = true; hasMore; ) {
      const page = await readFeedFrom(deps(), reader, next, {}, 100)
      seen.push(...(idsOf(page) ?? []))
      ;({ next, hasMore } = page)
    }
    expect(seen).toEqual(ids)
  }
})
