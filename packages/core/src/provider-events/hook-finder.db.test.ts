import { newId, toPublicId } from '@lettergate/contracts/lib/ids'
import type { Pool, Queryable } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { batchPool, buildHook, fakeEventProvider } from '../../test/fake-hooks.ts'
import { freshUrl, promoted } from './hook-content.ts'
import { createHookFinder } from './hook-finder.ts'
import { changeHook } from './hook-store.ts'

let db: TestDatabase
let pool: Pool
beforeAll(async () => {
  db = await createTestDatabase()
  pool = batchPool(db)
})
afterAll(async () => {
  await pool.end()
  await db.drop()
})

async function setUp() {
  const { provider } = fakeEventProvider()
  const hook = await buildHook(db, provider)
  const counts = { lookUps: 0, opened: 0, shiftMs: 0 }
  const gate: { wait?: Promise<void>; onAnswer?: () => Promise<void> } = {}
  const counting: Queryable = {
    async query(config) {
      counts.lookUps++
      await gate.wait
      const answer = await pool.query(config)
      await gate.onAnswer?.()
      return answer
    },
  }
  const finder = createHookFinder({
    pool: counting,
    tenants: db.tenants,
    sealer: {
      unsealJson(place, value) {
        counts.opened++
        return hook.sealer.unsealJson(place, value)
      },
    },
    providers: { [provider.id]: provider },
    now: () => Date.now() + counts.shiftMs,
  })
  const path = { provider: provider.id, connection: toPublicId('con', hook.id), token: hook.current.token }
  return { ...hook, finder, counts, gate, path }
}

test('a burst of requests costs one look-up, and the next ones none', async () => {
  const { finder, counts, path, tenantId, current } = await setUp()
  const found = await Promise.all(Array.from({ length: 500 }, () => finder.find(path)))
  expect(found.every((hook) => hook?.tenantId === tenantId && hook.url === current.url)).toBe(true)
  await finder.find(path)
  expect(counts).toMatchObject({ lookUps: 1, opened: 1 })
})

test('a wrong token, provider or connection finds nothing, and opens no secret again', async () => {
  const { finder, counts, path } = await setUp()
  await finder.find(path)
  const wrong = [
    { ...path, token: 'x'.repeat(32) },
    { ...path, token: '' },
    { ...path, provider: 'brevo' },
    { ...path, connection: toPublicId('con', newId()) },
    { ...path, connection: 'x' },
  ]
  for (const one of wrong) expect(await finder.find(one)).toBeNull()
  expect(counts.opened).toBe(1)
})

test('thousands of guesses share a few look-ups, and keep no event of a known connection out', async () => {
  const { finder, counts, gate, path, id } = await setUp()
  await finder.find(path)
  counts.lookUps = 0
  const held = Promise.withResolvers<void>()
  gate.wait = held.promise
  const guesses = Array.from({ length: 4_000 }, () => {
    const connection = toPublicId('con', newId())
    return finder.find({ ...path, connection }).catch((error: unknown) => String(error))
  })
  // Meanwhile nothing is answered, and the queue is full.
  expect(await finder.find(path)).toMatchObject({ connectionId: id })
  const other = await finder.findAgain({ ...path, token: 'x' })
  expect(other).toBeNull()
  held.resolve()
  const answers = await Promise.all(guesses)
  expect(answers.filter((answer) => answer === null).length).toBeGreaterThan(1_000)
  expect(
    answers.filter((answer) => answer !== null).every((answer) => /overloaded/.test(String(answer))),
  ).toBe(true)
  expect(counts.lookUps).toBeLessThan(20)
})

test('a URL of before a rotation is good for a day by the clock of the database, and no longer', async () => {
  const { finder, counts, path, store, place, current } = await setUp()
  await finder.find(path)
  const next = freshUrl(current.url.slice(0, -current.token.length))
  await changeHook(store, place, (content) => ({ content: promoted({ ...content, next }, Date.now()) }))
  const fresh = { ...path, token: next.token }
  expect(await finder.find(fresh)).toMatchObject({ url: next.url })
  expect(await finder.find(path)).toMatchObject({ url: current.url })
  counts.shiftMs = 23 * 3_600_000
  expect(await finder.find(path)).not.toBeNull()
  counts.shiftMs = 25 * 3_600_000
  expect(await finder.find(path)).toBeNull()
  expect(await finder.find(fresh)).not.toBeNull()
})

test('a request that joins a look-up from before a change is answered by another one', async () => {
  const { finder, counts, gate, path, store, place, current } = await setUp()
  const next = freshUrl(current.url.slice(0, -current.token.length))
  const fresh = { ...path, token: next.token }
  await finder.find(path)
  const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  gate.onAnswer = () => {
    asked.resolve()
    return held.promise
  }
  const early = finder.find({ ...path, token: 'x' })
  await asked.promise
  // The database has answered without the next URL.
  await changeHook(store, place, (content) => ({ content: { ...content, next } }))
  delete gate.onAnswer
  const joined = finder.find(fresh)
  held.resolve()
  expect(await early).toBeNull()
  expect(await joined).toMatchObject({ url: next.url })
  expect(counts.lookUps).toBe(3)
})
