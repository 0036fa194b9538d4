import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { buildMessage, eventually } from '../../test/build-message.ts'
import { buildTenant } from '../../test/rows.ts'
import { createAcceptor } from '../accept/index.ts'
import { noFailpoint } from '../lib/index.ts'
import { sweepSteps } from '../sweep/index.ts'
import { createDispatcher, type Dispatcher } from './dispatch.ts'
import type { Claim } from './sql/claim-messages.ts'

let db: TestDatabase
const dispatchers: Dispatcher[] = []
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
})
afterEach(async () => {
  await Promise.all(dispatchers.splice(0).map((dispatcher) => dispatcher.stop()))
})
afterAll(() => db.drop())

function start(enqueue: (claims: Claim[]) => Promise<void>, depth = 100, refillMs = 40): Dispatcher {
  const dispatcher = createDispatcher({
    pool: db.pool,
    enqueue,
    depth,
    refillMs,
    failpoint: noFailpoint,
    onClaim: () => {},
    onError: () => {},
  })
  dispatchers.push(dispatcher)
  dispatcher.start()
  return dispatcher
}

async function accept(count: number, sendAt?: Date): Promise<string> {
  const tenantId = await buildTenant(db.pool)
  const acceptor = createAcceptor({
    pool: db.pool,
    wakeWorkers: () => {},
    failpoint: noFailpoint,
    onError: () => {},
  })
  await acceptor.accept(
    { id: tenantId, mode: 'live' },
    { messages: Array.from({ length: count }, () => buildMessage({ sendAt })) },
  )
  return tenantId
}

test('a wake-up makes the dispatcher enqueue due messages immediately', async () => {
  const enqueued: Claim[] = []
  const dispatcher = start(async (claims) => void enqueued.push(...claims))
  await accept(3)
  dispatcher.wake(null)
  await eventually(async () => (enqueued.length === 3 ? true : undefined))
})

test('a busy dispatcher serves a new tenant immediately, and no other tenant sooner', async () => {
  const enqueued: Claim[] = []
  const dispatcher = start(async (claims) => void enqueued.push(...claims), 40, 60_000)
  const busy = await accept(200)
  dispatcher.wake([busy])
  await eventually(async () => (enqueued.length === 20 ? true : undefined))
  // From here on it gathers for a minute, and nothing ends.
  dispatcher.wake([busy])
  const small = await accept(1)
  dispatcher.wake([small])
  await eventually(async () => (enqueued.some(({ tenantId }) => tenantId === small) ? true : undefined))
  expect(enqueued.filter(({ tenantId }) => tenantId === busy)).toHaveLength(20)
})

test('without a wake-up the dispatcher still finds work', async () => {
  const enqueued: Claim[] = []
  start(async (claims) => void enqueued.push(...claims))
  await accept(1)
  await eventually(async () => (enqueued.length === 1 ? true : undefined))
})

test('the held claims never exceed the depth, for any backlog', async () => {
  const enqueued: Claim[] = []
  const dispatcher = start(async (claims) => void enqueued.push(...claims), 20)
  await accept(200)
  for (let i = 0; i < 5; i++) {
    dispatcher.wake(null)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(enqueued).toHaveLength(10)
})

test('nothing is claimed while the queue is not available', async () => {
  let isQueueOpen = false
  let claimed = 0
  const enqueued: Claim[] = []
  const dispatcher = createDispatcher({
    pool: db.pool,
    enqueue: async (claims) => void enqueued.push(...claims),
    isQueueOpen: () => isQueueOpen,
    depth: 100,
    failpoint: noFailpoint,
    onClaim: (count) => {
      claimed += count
    },
    onError: () => {},
  })
  dispatchers.push(dispatcher)
  dispatcher.start()
  await accept(3)
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(claimed).toBe(0)
  isQueueOpen = true
  await eventually(async () => (enqueued.length === 3 ? true : undefined))
})

test('claims that cannot be enqueued become ready again, and are enqueued when the queue is available', async () => {
  let isAway = true
  const enqueued: Claim[] = []
  start(async (claims) => {
    if (isAway) throw new Error('the queue is away')
    enqueued.push(...claims)
  })
  await accept(5)
  await eventually(async () => {
    const { rows } = await db.pool.query<{ n: number }>({ text: 'select last_value as n from claim_epoch' })
    return (rows[0]?.n ?? 0) >= 5 ? true : undefined
  })
  isAway = false
  await eventually(async () => (enqueued.length === 5 ? true : undefined))
})

test('a scheduled message is enqueued when it is due, not before', async () => {
  const enqueued: Claim[] = []
  start(async (claims) => void enqueued.push(...claims))
  await accept(1, new Date(Date.now() + 3_600_000))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(enqueued).toEqual([])
  await db.pool.query({ text: `update outbox set due_at = now()` })
  await eventually(async () => (enqueued.length === 1 ? true : undefined))
})

test('the claims of a dispatcher that died are claimed again after their lease', async () => {
  await accept(4)
  const lost: Claim[] = []
  await start(async (claims) => void lost.push(...claims)).stop()
  await db.pool.query({ text: `update outbox set lease_until = now() - interval '1 s'` })
  expect(await sweepSteps.releaseExpiredClaims({ pool: db.pool, repeatWindowMs: () => 0 })).toBe(lost.length)
  const again: Claim[] = []
  start(async (claims) => void again.push(...claims))
  await eventually(async () => (again.length === 4 ? true : undefined))
})
