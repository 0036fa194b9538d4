import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { buildRow, buildTenant, buildUnit } from '../../../test/rows.ts'
import { acceptMessages } from '../../accept/index.ts'
import { beginSending } from '../../deliver/index.ts'
import { listExpired, raiseLostWorkers } from '../../lost-workers/index.ts'
import { ensureUsage } from '../../usage/index.ts'
import { claimMessages, FIRST_TENANT } from './claim-messages.ts'

import { releaseClaims } from './release-claims.ts'

let db: TestDatabase
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
})
afterAll(() => db.drop())

async function tenantWithBacklog(count: number): Promise<string> {
  const tenantId = await buildTenant(db.pool)
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  await acceptMessages(
    db.pool,
    Array.from({ length: count }, () => buildUnit(tenantId)),
  )
  return tenantId
}

async function addBulk(tenantId: string, count: number): Promise<void> {
  const rows = Array.from({ length: count }, () => buildRow({ stream: 'bulk' }))
  await acceptMessages(db.pool, [buildUnit(tenantId, rows)])
}

const claim = (depth: number, afterTenant = FIRST_TENANT) =>
  claimMessages(db.pool, { depth, afterTenant, tenantsMax: 50, leaseMs: 60_000 })

const countOf = (claims: { tenantId: string }[], tenantId: string) =>
  claims.filter((one) => one.tenantId === tenantId).length

test('a single tenant never takes more than half of the depth, for any number of claim runs', async () => {
  await tenantWithBacklog(100)
  const first = await claim(40)
  const second = await claim(40)
  expect(first.claims.length + second.claims.length).toBe(20)
})

test('a new tenant gets claims beside a tenant with a long backlog', async () => {
  const noisy = await tenantWithBacklog(100)
  await claim(40)
  const quiet = await tenantWithBacklog(4)
  const { claims } = await claim(40)
  expect(countOf(claims, quiet)).toBe(4)
  expect(countOf(claims, noisy)).toBe(0)
})

test('transactional mail is claimed before bulk of the same tenant that came earlier', async () => {
  const tenantId = await tenantWithBacklog(0)
  await addBulk(tenantId, 100)
  await acceptMessages(
    db.pool,
    Array.from({ length: 15 }, () => buildUnit(tenantId)),
  )
  const { claims } = await claim(40)
  expect(claims.map(({ isBulk }) => isBulk)).toEqual([...Array(15).fill(false), ...Array(5).fill(true)])
})

test('any number of bulk claims leaves room for transactional mail of the same tenant', async () => {
  const tenantId = await tenantWithBacklog(0)
  await addBulk(tenantId, 100)
  expect((await claim(40)).claims).toHaveLength(20)
  await acceptMessages(
    db.pool,
    Array.from({ length: 4 }, () => buildUnit(tenantId)),
  )
  const { claims } = await claim(40)
  expect(claims.map(({ isBulk }) => isBulk)).toEqual([false, false, false, false])
})

test('bulk gets an eighth of the free depth while transactional mail takes its maximum, and other tenants get claims', async () => {
  const tenantId = await tenantWithBacklog(200)
  await addBulk(tenantId, 100)
  const held = { transactional: 0, bulk: 0 }
  for (let round = 0; round < 6; round++) {
    for (const { isBulk } of (await claim(160)).claims) held[isBulk ? 'bulk' : 'transactional']++
  }
  expect(held.bulk).toBeGreaterThanOrEqual(8)
  expect(held.bulk).toBeLessThanOrEqual(10)
  expect(held.transactional).toBeGreaterThanOrEqual(70)
  expect(held.transactional).toBeLessThanOrEqual(80)
  const quiet = await tenantWithBacklog(4)
  expect(countOf((await claim(160)).claims, quiet)).toBe(4)
})

test('tenants take turns in the order of the claimed messages', async () => {
  const tenants = [await tenantWithBacklog(3), await tenantWithBacklog(3)].sort()
  const { claims } = await claim(100)
  expect(claims.map((one) => one.tenantId)).toEqual([0, 1, 0, 1, 0, 1].map((index) => tenants[index]))
})

test('no message is claimed twice by concurrent dispatchers', async () => {
  await tenantWithBacklog(60)
  const results = await Promise.all([claim(400), claim(400), claim(400)])
  const ids = results.flatMap((result) => result.claims.map((one) => one.messageId))
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toHaveLength(60)
})

test('a claim run that ends early continues after the last served tenant', async () => {
  const tenants = (await Promise.all(Array.from({ length: 5 }, () => tenantWithBacklog(1)))).sort()
  const options = { depth: 100, tenantsMax: 3, leaseMs: 60_000 }
  const first = await claimMessages(db.pool, { ...options, afterTenant: FIRST_TENANT })
  expect(first.cursor).toBe(tenants[2])
  const second = await claimMessages(db.pool, { ...options, afterTenant: first.cursor ?? '' })
  expect(second.cursor).toBeNull()
  expect([...first.claims, ...second.claims].map((one) => one.tenantId).sort()).toEqual(tenants)
})

test('an expired claim is fenced off, and its message is claimed again with a new epoch', async () => {
  await tenantWithBacklog(1)
  const stale = (
    await claimMessages(db.pool, { depth: 10, afterTenant: FIRST_TENANT, tenantsMax: 5, leaseMs: 0 })
  ).claims[0]
  if (!stale) throw new Error('nothing was claimed')
  const fence = { connectionId: null, provider: 'capture', token: 1 }
  expect(await beginSending(db.pool, [{ ...stale, ...fence }], 60_000)).toEqual([null])
  const expired = await listExpired(db.pool, 'claimed', 10)
  expect(expired).toMatchObject([{ messageId: stale.messageId, workers: [] }])
  const free = expired.map((one) => ({ ...one, inHand: false }))
  expect(await raiseLostWorkers(db.pool, free, 'claimed')).toMatchObject({
    released: 1,
    suspected: 0,
    aside: 0,
  })
  // Another sweeper may have listed it as well.
  expect(await raiseLostWorkers(db.pool, free, 'claimed')).toMatchObject({ released: 0 })
  const fresh = (await claim(10)).claims[0]
  if (!fresh) throw new Error('nothing was claimed')
  expect(fresh.messageId).toBe(stale.messageId)
  const fences = await beginSending(
    db.pool,
    [
      { ...stale, ...fence },
      { ...fresh, ...fence, token: 2 },
    ],
    60_000,
  )
  expect(fences.map((one) => one?.attempt ?? null)).toEqual([null, 1])
})

test('a fence whose answer was lost is found by its token only', async () => {
  await tenantWithBacklog(1)
  const [claimed] = (await claim(10)).claims
  if (!claimed) throw new Error('nothing was claimed')
  const ask = (...tokens: number[]) =>
    beginSending(
      db.pool,
      tokens.map((token) => ({ ...claimed, connectionId: null, provider: 'capture', token })),
      60_000,
    )
  // Two runs of one job, in one batch: one of them continues, and each gets the same result when it asks again.
  const first = await ask(1, 2)
  expect(first.filter((one) => one !== null)).toEqual([{ attempt: 1, startedAt: expect.any(Date) }])
  const winner = first[0] ? 1 : 2
  expect((await ask(winner))[0]?.attempt).toBe(1)
  expect(await ask(3 - winner, 3)).toEqual([null, null])
})

test('only claims that are still held are released', async () => {
  await tenantWithBacklog(2)
  const { claims } = await claim(10)
  const [one, other] = claims
  if (!one || !other) throw new Error('two were expected')
  await beginSending(db.pool, [{ ...one, connectionId: null, provider: 'capture', token: 1 }], 60_000)
  await releaseClaims(db.pool, [one, { ...other, epoch: other.epoch - 1_000 }])
  expect((await claim(10)).claims).toEqual([])
  await releaseClaims(db.pool, [other])
  expect((await claim(10)).claims.map((claimed) => claimed.messageId)).toEqual([other.messageId])
})

type Plan = { 'Shared Hit Blocks': number; 'Shared Read Blocks': number }

test('a claim reads only the rows that it takes and not the backlog, for each stream and with current table statistics', async () => {
  for (const isBulk of [true, false]) {
    await db.pool.query({
      text: `insert into outbox (message_id, tenant_id, mode, state, content_bytes, is_bulk)
             select gen_random_uuid(), $1, 'live', 'ready', 1, $2 from generate_series(1, 50000)`,
      values: [await buildTenant(db.pool), isBulk],
    })
  }
  const quiet = await tenantWithBacklog(4)
  await db.pool.query({ text: 'vacuum analyze outbox' })
  const client = await db.pool.connect()
  try {
    const { claims } = await claimMessages(client, {
      depth: 16,
      afterTenant: FIRST_TENANT,
      tenantsMax: 50,
      leaseMs: 60_000,
    })
    expect(countOf(claims, quiet)).toBe(4)
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (analyze, buffers, format json) execute "claim-messages" (20, '${FIRST_TENANT}', 50, 60000)`,
    )
    const plan = rows[0]?.['QUERY PLAN'][0].Plan
    // The index of either backlog has more than 250 blocks.
    expect(plan && plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(200)
  } finally {
    client.release()
  }
})
