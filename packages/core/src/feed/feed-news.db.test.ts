import { createListener, type Listener } from '@lettergate/db/listener'
import type { Queryable } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { buildTenant, buildUnit } from '../../test/rows.ts'
import { acceptMessages } from '../accept/index.ts'
import { appendEvents } from '../lib/index.ts'
import { ensureUsage } from '../usage/index.ts'
import { createFeedNews, type FeedNews } from './feed-news.ts'

let db: TestDatabase
let listener: Listener
let news: FeedNews
let looks: string[]
/** Called after each look. */
let onLook: (() => void) | null
const errors: unknown[] = []
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())
beforeEach(() => {
  looks = []
  onLook = null
  listener = createListener({ url: db.url, onError: () => {} })
  news = createFeedNews({
    pool: db.pool,
    listener,
    onLook(result) {
      looks.push(result)
      onLook?.()
    },
    onError: (error) => void errors.push(error),
  })
})
afterEach(async () => {
  news.close()
  await listener.close()
  expect(errors).toEqual([])
})

async function startTenant(): Promise<{ tenantId: string; messageId: string }> {
  const tenantId = await buildTenant(db.pool)
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  const unit = buildUnit(tenantId)
  await acceptMessages(db.pool, [unit])
  return { tenantId, messageId: unit.messages[0]?.id ?? '' }
}

async function append(on: Queryable, { tenantId, messageId }: { tenantId: string; messageId: string }) {
  await on.query({
    text: `
      with ${appendEvents(`
        select $1::uuid as tenant_id, $2::uuid as message_id, 0 as position, 'recipient.deferred' as type, null::json as data,
               'live' as mode, false as is_bulk, null::uuid as connection_id`)}
      select`,
    values: [tenantId, messageId],
  })
}

async function untilLooks(count: number): Promise<void> {
  const wanted = looks.length + count
  await new Promise<void>((resolve) => {
    onLook = () => {
      if (looks.length >= wanted) resolve()
    }
  })
}

/** What was heard of a tenant and mode. */
async function watch(tenantId: string, mode = 'live') {
  const heard: string[] = []
  let wake = () => {}
  await news.watch({ tenantId, mode }, (source) => {
    heard.push(source)
    wake()
  })
  return {
    heard,
    next: () =>
      new Promise<void>((resolve) => {
        wake = resolve
      }),
  }
}

test('names the tenants with news, and neither the others nor the other mode', async () => {
  const [busy, quiet] = [await startTenant(), await startTenant()]
  const watches = [
    await watch(busy.tenantId),
    await watch(busy.tenantId, 'test'),
    await watch(quiet.tenantId),
  ]
  await append(db.pool, busy)
  await untilLooks(2)
  expect(watches.map(({ heard }) => heard)).toEqual([['look'], [], []])
})

test('names the tenant of a transaction that was open during earlier looks', async () => {
  const late = await startTenant()
  const client = await db.pool.connect()
  await client.query('begin')
  await append(client, late)
  // A later transaction that ended: the open one is then below the end of snapshots, and named in them.
  await append(db.pool, await startTenant())
  const { heard, next } = await watch(late.tenantId)
  await untilLooks(2)
  expect(heard).toEqual([])
  const named = next()
  await client.query('commit')
  client.release()
  await named
  expect(heard).toEqual(['look'])
})

test('what was committed between two looks is named by the second one, however many tenants wait', async () => {
  const tenant = await startTenant()
  const { heard } = await watch(tenant.tenantId)
  await untilLooks(1)
  await append(db.pool, tenant)
  // More than fit into one statement.
  await Promise.all(
    Array.from({ length: 1_200 }, (_, index) =>
      news.watch(
        { tenantId: `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`, mode: 'live' },
        () => heard.push('another'),
      ),
    ),
  )
  await untilLooks(2)
  expect(heard).toEqual(['look'])
})

test('a notification is heard in both modes, and one that names no tenant makes it look', async () => {
  const tenant = await startTenant()
  const [live, test] = [await watch(tenant.tenantId), await watch(tenant.tenantId, 'test')]
  const heard = Promise.all([live.next(), test.next()])
  await db.pool.query({ text: `select pg_notify('lg_feed', $1)`, values: [`x,${tenant.tenantId}`] })
  await heard
  expect([live.heard[0], test.heard[0]]).toEqual(['notification', 'notification'])
  await append(db.pool, tenant)
  const named = live.next()
  await db.pool.query({ text: `select pg_notify('lg_outbox', '')` })
  await named
  expect(live.heard.at(-1)).toBe('look')
})
