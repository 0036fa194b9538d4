import type { Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createFakeEgress } from '@lettergate/egress/test/fake-egress'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { batchPool, buildHook, fakeEventProvider } from '../../test/fake-hooks.ts'
import { freshUrl, type HookUrl } from './hook-content.ts'
import { changeHook, OldRegistrations, readHook } from './hook-store.ts'
import { hideUrl } from './registered-urls.ts'
import { createWebhookRetirer, type RetireResult } from './retire-webhooks.ts'

const HOUR_MS = 3_600_000
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

const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS).toISOString()

/** A connection whose webhooks 1, 2, … were replaced, and end at these times. */
async function setUp(ends: string[]) {
  const { state, provider } = fakeEventProvider()
  const hook = await buildHook(db, provider)
  const results: RetireResult[] = []
  const errors: unknown[] = []
  await changeHook(hook.store, hook.place, () => ({
    registration: { webhook_id: 99 },
    oldRegistrations: ends.map((until, at) => ({ registration: { webhook_id: at + 1 }, until })),
  }))
  const build = () =>
    createWebhookRetirer({
      pool,
      tenants: db.tenants,
      sealer: hook.sealer,
      providers: { [provider.id]: provider },
      egress: createFakeEgress(),
      secrets: { renew: () => {} },
      now: () => Date.now(),
      onRetired: (result) => results.push(result),
      onError: (error) => errors.push(error),
    })
  return {
    ...hook,
    state,
    results,
    errors,
    retirer: build(),
    other: build(),
    left: async () =>
      (await readHook(hook.store, hook.place))?.state.oldRegistrations.map(
        ({ registration }) => registration,
      ),
    async dueAt() {
      const { rows } = await db.pool.query<{ retire_at: Date | null }>({
        text: 'select retire_at from hook where connection_id = $1',
        values: [hook.id],
      })
      return rows[0]?.retire_at?.getTime() ?? null
    },
    makeDue: () =>
      db.pool.query({
        text: 'update hook set retire_at = now() where connection_id = $1',
        values: [hook.id],
      }),
  }
}

test('a webhook of before a rotation is removed once its day has passed, and no other', async () => {
  const { retirer, state, left, dueAt, results, errors } = await setUp([inHours(-1), inHours(5)])
  await retirer.run()
  expect({ removed: state.removed, errors }).toEqual({ removed: [{ webhook_id: 1 }], errors: [] })
  expect(await left()).toEqual([{ webhook_id: 2 }])
  expect(await dueAt()).toBeGreaterThan(Date.now() + 4 * HOUR_MS)
  expect(results).toEqual(['removed'])
  await retirer.run()
  expect(state.removed).toHaveLength(1)
})

test('one that the provider refuses to remove is tried again, and given up after a week', async () => {
  const { retirer, state, left, makeDue, dueAt, results } = await setUp([inHours(-1)])
  state.problem = { code: 'provider-unreachable', reason: 'no answer', advice: [] }
  await retirer.run()
  expect(await left()).toEqual([{ webhook_id: 1 }])
  expect(await dueAt()).toBeGreaterThan(Date.now())
  state.problem = null
  await makeDue()
  await retirer.run()
  expect({ left: await left(), due: await dueAt() }).toEqual({ left: [], due: null })

  const old = await setUp([inHours(-24 * 8)])
  old.state.problem = { code: 'provider-unreachable', reason: 'no answer', advice: [] }
  await old.retirer.run()
  expect(await old.left()).toEqual([])
  expect([...results, ...old.results]).toEqual(['failed', 'removed', 'given-up'])
})

test('while one worker asks the provider, another one leaves the hook alone', async () => {
  const { retirer, other, state } = await setUp([inHours(-1)])
  const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  state.onRemove = () => {
    asked.resolve()
    return held.promise
  }
  const first = retirer.run()
  await asked.promise
  expect(await other.run()).toBe(0)
  held.resolve()
  expect(await first).toBe(1)
  expect(state.removed).toEqual([{ webhook_id: 1 }])
})

test('a rotation meanwhile loses nothing', async () => {
  const { retirer, state, store, place, left, makeDue } = await setUp([inHours(-1)])
  const next = { registration: { webhook_id: 7 }, until: inHours(24) }
  state.onRemove = async () => {
    await changeHook(store, place, (_content, before) => ({
      oldRegistrations: [...(before?.oldRegistrations ?? []), next],
    }))
  }
  await retirer.run()
  expect(await left()).toEqual([{ webhook_id: 1 }, { webhook_id: 7 }])
  delete state.onRemove
  await makeDue()
  await retirer.run()
  expect(await left()).toEqual([{ webhook_id: 7 }])
})

test('a provider that names webhooks by their URLs is asked to remove that of before, whose token is stored nowhere else', async () => {
  const { retirer, state, store, place, current, left, errors } = await setUp([])
  const ended = { ...freshUrl('https://mail.example.com/v1/hooks/x/con_1/'), until: inHours(-1) }
  const registration = (target: HookUrl) => hideUrl({ webhook_id: 1, url: target.url }, target)
  const lost = registration(freshUrl('https://mail.example.com/v1/hooks/x/con_1/'))
  await changeHook(store, place, (content) => ({
    content: { ...content, old: [ended] },
    registration: registration(current),
    oldRegistrations: OldRegistrations.parse(
      [registration(ended), lost].map((one) => ({ registration: one, until: inHours(-1) })),
    ),
  }))
  await retirer.run()
  expect(errors).toEqual([])
  expect(state.removed).toEqual([{ webhook_id: 1, url: ended.url }])
  expect(await left()).toEqual([])
})
