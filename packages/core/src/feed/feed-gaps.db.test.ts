import { createSecretKey } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPool, inTransaction, type Pool, type PoolClient, type Queryable } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { readFeed } from '../../test/read-feed.ts'
import { buildTenant, buildUnit } from '../../test/rows.ts'
import { acceptMessages } from '../accept/index.ts'
import { appendEvents } from '../lib/index.ts'
import { ensureUsage } from '../usage/index.ts'
import type { FeedEvent } from './read-feed.ts'

const WRITERS = 16
const ROUNDS = 12
let db: TestDatabase
let writers: Pool
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())
beforeEach(() => {
  writers = createPool({
    url: db.url,
    max: WRITERS + 4,
    applicationName: 'test',
    onError: () => {},
    role: 'lettergate_batch',
  })
})
afterEach(() => writers.end())

const nameOf = ({ messageId, seq }: { messageId: string | null; seq: number }) => `${messageId} ${seq}`

/** Three events of a message, as a record of an attempt writes them. */
async function append(on: Queryable, message: { tenantId: string; id: string }): Promise<string[]> {
  const { rows } = await on.query<{ seq: number }>({
    text: `
      with ${appendEvents(`
        select $1::uuid as tenant_id, $2::uuid as message_id, 0 as position, 'recipient.deferred' as type, null::json as data,
               'live' as mode, false as is_bulk, null::uuid as connection_id
        from generate_series(1, 3)`)}
      select seq from new_event`,
    values: [message.tenantId, message.id],
  })
  return rows.map(({ seq }) => nameOf({ messageId: message.id, seq }))
}

/** Accepts one message, and leaves its acceptance out of what is looked at. */
async function startTenant(): Promise<{ tenantId: string; id: string }> {
  const tenantId = await buildTenant(db.pool)
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  const unit = buildUnit(tenantId)
  await acceptMessages(writers, [unit])
  return { tenantId, id: unit.messages[0]?.id ?? newId() }
}

/** Reads pages of this size again and again; `end` reads until nothing is left. */
function follow(tenantId: string, limit: number) {
  const deps = {
    tenants: db.tenants,
    cursorKey: { sign: createSecretKey(Buffer.alloc(32, 1)) },
    keptDays: 30,
  }
  const seen: string[] = []
  let after = 'beginning'
  let isEnding = false
  async function step(): Promise<FeedEvent[]> {
    const page = await readFeed(deps, { tenantId, mode: 'live' }, { after }, limit)
    seen.push(...page.events.filter(({ seq }) => seq > 0).map(nameOf))
    after = page.nextCursor
    return page.events
  }
  async function run(): Promise<void> {
    while (!isEnding) {
      await step()
      await sleep(2)
    }
    while ((await step()).length > 0);
  }
  const running = run()
  return {
    seen,
    step,
    async end() {
      isEnding = true
      await running
      return seen
    },
  }
}

/** What a reader by sequence number would have: everything above the highest that it has seen. */
function followBySeq(tenantId: string) {
  const seen: string[] = []
  let last = 0
  let isEnding = false
  async function step(): Promise<void> {
    const { rows } = await db.pool.query<{ messageId: string; seq: number }>({
      text: `select message_id as "messageId", seq from feed where tenant_id = $1 and seq > $2 and type <> 1 order by seq`,
      values: [tenantId, last],
    })
    seen.push(...rows.map(nameOf))
    last = rows.at(-1)?.seq ?? last
  }
  async function run(): Promise<void> {
    while (!isEnding) {
      await step()
      await sleep(2)
    }
    await step()
  }
  const running = run()
  return {
    async end() {
      isEnding = true
      await running
      return seen
    },
  }
}

/** Writers that end late, in any order, one of twenty by a rollback; answers what they committed. */
async function writeAtOnce(message: { tenantId: string; id: string }): Promise<string[]> {
  const committed: string[] = []
  async function writeOne(number: number): Promise<void> {
    const isGivenUp = number % 20 === 0
    const written = await inTransaction(writers, async (client: PoolClient) => {
      const names = await append(client, message)
      await sleep(Math.random() * 120)
      if (isGivenUp) throw new Error('given up')
      return names
    }).catch((error: Error) => {
      if (error.message !== 'given up') throw error
      return []
    })
    committed.push(...written)
  }
  const write = async (writer: number) => {
    for (let round = 0; round < ROUNDS; round++) await writeOne(writer + round * WRITERS)
  }
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
  return committed
}

test('a reader gets each committed event once, for any order in which transactions end', async () => {
  const message = await startTenant()
  const readers = [1, 10, 200].map((limit) => follow(message.tenantId, limit))
  const bySeq = followBySeq(message.tenantId)
  const committed = (await writeAtOnce(message)).sort()
  for (const reader of readers) expect([...(await reader.end())].sort()).toEqual(committed)
  // The writers did end out of order: a reader by sequence number has lost some.
  expect((await bySeq.end()).length).toBeLessThan(committed.length)
})

test('a transaction that stays open delays only its own events', async () => {
  const message = await startTenant()
  const other = await startTenant()
  const [late, unrelated] = [await writers.connect(), await writers.connect()]
  await late.query('begin')
  await unrelated.query('begin')
  await append(unrelated, other)
  const lateNames = await append(late, message)
  const reader = follow(message.tenantId, 10)
  const committed = await writeAtOnce(message)
  expect([...(await reader.end())].sort()).toEqual(committed.sort())
  await late.query('commit')
  await reader.step()
  expect(reader.seen.slice(committed.length)).toEqual(lateNames)
  await unrelated.query('rollback')
  for (const client of [late, unrelated]) client.release()
})
