import { randomBytes } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildMessage } from '../../test/build-message.ts'
import { buildTenant } from '../../test/rows.ts'
import { type Failpoint, noFailpoint } from '../lib/index.ts'
import type { PoolWay, PoolWays } from '../routing/index.ts'
import { ensureUsage } from '../usage/index.ts'
import { createAcceptor } from './accept.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const always = (way: Omit<PoolWay, 'connectionsVersion'>): PoolWays => ({
  wayOf: async () => ({ ...way, connectionsVersion: 0 }),
})
const must = always({ pool: 'must', overflow: 'reject' })
const hold = always({ pool: 'must', overflow: 'hold' })

const acceptor = (ways: PoolWays, failpoint: Failpoint = noFailpoint) =>
  createAcceptor({ pool: db.batch, wakeWorkers: () => {}, failpoint, onError: () => {}, ways })
const live = (id: string) => ({ id, mode: 'live' as const })
const one = { messages: [buildMessage()] }

async function tenantWith(limits: object): Promise<string> {
  const tenantId = await buildTenant(db.pool)
  await db.pool.query({
    text: 'update tenant set own_limits = $2 where id = $1',
    values: [tenantId, JSON.stringify(limits)],
  })
  return tenantId
}

const WRITERS = 40
const LIMIT = 60

test.each([
  ['day', { accepted_per_day: LIMIT }],
  ['month', { accepted_per_month: LIMIT }],
  ['pool', { pool_per_day: LIMIT }],
  ['bytes', { bytes_per_day: LIMIT * 100 }],
] as const)(
  '40 writers that race for a limit of the %s get exactly that much, and each refusal names it',
  async (counter, limits) => {
    const tenantId = await tenantWith(limits)
    const two = [acceptor(must), acceptor(must)]
    const bytes = Buffer.byteLength(JSON.stringify(buildMessage()))
    const outcomes = await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        const kinds: string[] = []
        for (let i = 0; i < 4; i++) {
          const outcome = await two[writer % 2]?.accept(live(tenantId), one)
          if (outcome?.kind === 'quota-exceeded') expect(outcome.counter).toBe(counter)
          kinds.push(outcome?.kind ?? '')
        }
        return kinds
      }),
    )
    const { rows } = await db.pool.query<{ used: number; bytes: number; stored: number }>({
      text: `select accepted as used, bytes, (select count(*) from message where tenant_id = $1) as stored from usage where tenant_id = $1`,
      values: [tenantId],
    })
    const accepted = outcomes.flat().filter((kind) => kind === 'accepted').length
    expect(rows[0]).toMatchObject({ used: accepted, stored: accepted })
    if (counter === 'bytes') {
      expect(rows[0]?.bytes).toBeLessThanOrEqual(LIMIT * 100)
      expect(LIMIT * 100 - (rows[0]?.bytes ?? 0)).toBeLessThan(bytes)
    } else expect(accepted).toBe(LIMIT)
  },
)

test('mail that an own connection can carry too goes on when the share of the pool is used up', async () => {
  const tenantId = await tenantWith({ pool_per_day: 1 })
  const may = acceptor(always({ pool: 'may', overflow: 'reject' }))
  for (let i = 0; i < 3; i++) expect((await may.accept(live(tenantId), one)).kind).toBe('accepted')
  const { rows } = await db.pool.query({
    text: 'select accepted, pool from usage where tenant_id = $1',
    values: [tenantId],
  })
  expect(rows).toEqual([{ accepted: 3, pool: 1 }])
})

test('a message without room on the pool is answered as held, the same on a repeat, and after a lost connection', async () => {
  const tenantId = await tenantWith({ pool_per_day: 0 })
  const idempotency = { key: 'k', route: 'send', bodyHash: randomBytes(32) }
  const first = await acceptor(hold).accept(live(tenantId), { ...one, idempotency })
  expect(first).toMatchObject({
    kind: 'accepted',
    messages: [{ status: 'held', recipients: [{ status: 'held' }] }],
  })
  expect(await acceptor(hold).accept(live(tenantId), { ...one, idempotency })).toEqual({
    ...first,
    quota: null,
    replayed: true,
  })
  // The first statement decides nothing of a message that finds no room: the second one stores it.
  let commits = 0
  const cut = acceptor(hold, (name) => {
    if (name === 'after_commit_before_reply' && ++commits === 2)
      throw new Error('Connection terminated unexpectedly')
  })
  expect(await cut.accept(live(tenantId), one)).toMatchObject({ messages: [{ status: 'held' }] })
  expect(commits).toBe(2)
  const { rows } = await db.pool.query({
    text: 'select accepted, pool from usage where tenant_id = $1',
    values: [tenantId],
  })
  expect(rows).toEqual([{ accepted: 2, pool: 0 }])
})

test('a way that was judged before the connections changed is judged anew', async () => {
  const tenantId = await tenantWith({ pool_per_day: 0 })
  await db.pool.query({ text: 'update tenant set connections_version = 3 where id = $1', values: [tenantId] })
  const asked: number[] = []
  const ways: PoolWays = {
    async wayOf(_tenantId, _message, atLeast) {
      asked.push(atLeast)
      // The tenant has got a connection of its own meanwhile.
      return atLeast < 3
        ? { pool: 'must', overflow: 'reject', connectionsVersion: 2 }
        : { pool: 'no', overflow: 'reject', connectionsVersion: 3 }
    },
  }
  expect((await acceptor(ways).accept(live(tenantId), one)).kind).toBe('accepted')
  expect(asked).toEqual([0, 3])
})

test('connections that change all the time end in a refusal that can be repeated', async () => {
  const tenantId = await tenantWith({})
  const ways = {
    wayOf: async (): Promise<PoolWay> => ({ pool: 'must', overflow: 'reject', connectionsVersion: -1 }),
  }
  await expect(acceptor(ways).accept(live(tenantId), one)).rejects.toMatchObject({ code: 'overloaded' })
})

test('test mail never counts on the pool', async () => {
  const tenantId = await tenantWith({ pool_per_day: 0 })
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'test' }])
  const outcome = await acceptor(must).accept({ id: tenantId, mode: 'test' }, one)
  expect(outcome.kind).toBe('accepted')
})
