import { createSecretKey, randomBytes } from 'node:crypto'
import { createPool, type Queryable } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTenant } from '../tenants/index.ts'
import { issueKey, revokeKey } from './issue-key.ts'
import { makeKey, pepperVersionOf } from './key-format.ts'
import { listKeysOfOtherPeppers } from './sql/list-other-pepper.ts'
import { createKeyVerifier, type Principal } from './verify-keys.ts'

const pepper = createSecretKey(randomBytes(32))
let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

type Tail<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never

function buildTenant() {
  return createTenant({ operator: database.operator, pepper }, { name: 'Acme', plan: 'free' })
}

const issue = (...given: Tail<Parameters<typeof issueKey>>) =>
  database.operator.forOperator((db) => issueKey({ db, pepper }, ...given))
const revoke = (tenantId: string | null, keyId: string) =>
  database.operator.forOperator((db) => revokeKey(db, tenantId, keyId))

/** A verifier on a clock of the test's own that counts how often the database is asked. */
function buildVerifier(given = pepper) {
  const state = { nowMs: 1_000, queries: 0 }
  const pool: Queryable = {
    query(config) {
      state.queries++
      return database.pool.query(config)
    },
  }
  return { state, ...createKeyVerifier({ pool, pepper: given, now: () => state.nowMs }) }
}

function keyIdOf(principal: Principal | null): string {
  if (!principal) throw new Error('the key was refused')
  return principal.keyId
}

test('the keys of a tenant act for it, each in its mode, with every scope except admin', async () => {
  const { tenantId, liveKey, testKey } = await buildTenant()
  const { verify } = buildVerifier()
  const scopes = [
    'messages:send',
    'messages:read',
    'messages:write',
    'connections:read',
    'connections:write',
    'events:read',
    'endpoints:read',
    'endpoints:write',
    'suppressions:read',
    'suppressions:write',
    'usage:read',
    'settings:read',
    'settings:write',
    'keys:read',
    'keys:write',
    'domains:read',
    'domains:write',
    'audit:read',
    'smtp-credentials:read',
    'smtp-credentials:write',
    'inbound:read',
    'inbound:write',
  ]
  expect(await verify(liveKey)).toMatchObject({ mode: 'live', tenantId, scopes: new Set(scopes) })
  expect(await verify(testKey)).toMatchObject({ mode: 'test', tenantId, scopes: new Set(scopes) })
})

test('an operator key belongs to no tenant', async () => {
  const { key, keyId } = await issue({ mode: 'admin' })
  expect(await buildVerifier().verify(key)).toEqual({ mode: 'admin', keyId, scopes: new Set(['admin']) })
})

test('a key of narrowed scopes has these and no others', async () => {
  const { tenantId } = await buildTenant()
  const { key } = await issue({ mode: 'live', tenantId }, { scopes: ['messages:read'] })
  expect((await buildVerifier().verify(key))?.scopes).toEqual(new Set(['messages:read']))
})

test('a key with a broken checksum is refused without asking the database', async () => {
  const { verify, state } = buildVerifier()
  const key = makeKey('live')
  expect(await verify(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`)).toBeNull()
  expect(state.queries).toBe(0)
})

test('unknown, revoked and expired keys are refused alike', async () => {
  const { tenantId, liveKey } = await buildTenant()
  const before = buildVerifier()
  await revoke(tenantId, keyIdOf(await before.verify(liveKey)))
  const expired = await issue({ mode: 'live', tenantId }, { expires_at: new Date(Date.now() - 1_000) })
  const { verify } = buildVerifier()
  expect(await Promise.all([verify(makeKey('live')), verify(liveKey), verify(expired.key)])).toEqual([
    null,
    null,
    null,
  ])
})

test('a revoked key is refused within five seconds by a node that has it cached', async () => {
  const { tenantId, liveKey } = await buildTenant()
  const { verify, state } = buildVerifier()
  const keyId = keyIdOf(await verify(liveKey))
  await revoke(tenantId, keyId)
  expect(await verify(liveKey)).not.toBeNull()
  state.nowMs += 4_500
  expect(await verify(liveKey)).toBeNull()
})

test('the age of a cached key counts from the start of its query', async () => {
  const { tenantId, liveKey } = await buildTenant()
  const { verify, state } = buildVerifier()
  const asked = verify(liveKey)
  state.nowMs += 4_500
  const keyId = keyIdOf(await asked)
  await revoke(tenantId, keyId)
  expect(await verify(liveKey)).toBeNull()
})

test('a key that expires soon is not cached beyond that', async () => {
  const { tenantId } = await buildTenant()
  const { verify, state } = buildVerifier()
  const expiresAt = new Date(Date.now() + 2_000)
  const { key } = await issue({ mode: 'live', tenantId }, { expires_at: expiresAt })
  expect(await verify(key)).not.toBeNull()
  const asked = state.queries
  state.nowMs += 2_500
  await verify(key)
  expect(state.queries).toBe(asked + 1)
})

test('good and unknown keys are both answered from the cache', async () => {
  const { liveKey } = await buildTenant()
  const unknown = makeKey('live')
  const { verify, state } = buildVerifier()
  for (let i = 0; i < 5; i++) await Promise.all([verify(liveKey), verify(unknown)])
  expect(state.queries).toBe(1)
})

test('many concurrent callers with few keys query the database once', async () => {
  const tenants = await Promise.all([buildTenant(), buildTenant(), buildTenant()])
  const { verify, state } = buildVerifier()
  const keys = tenants.flatMap(({ liveKey, testKey }) => [liveKey, testKey, makeKey('live')])
  const found = await Promise.all([...keys, ...keys, ...keys].map((key) => verify(key)))
  expect(found.filter((principal) => principal === null)).toHaveLength(9)
  expect(found.map((principal) => principal?.mode)).toEqual(
    [...keys, ...keys, ...keys].map((_, i) => ['live', 'test', undefined][i % 3]),
  )
  expect(state.queries).toBe(1)
})

test('guesses are looked up together, by one statement at a time, and a good key among them is accepted', async () => {
  const { tenantId, liveKey } = await buildTenant()
  let [underWay, most] = [0, 0]
  const { state, verify } = buildVerifier()
  const counted = createKeyVerifier({
    pool: {
      async query(config) {
        most = Math.max(most, ++underWay)
        return await database.pool.query<never>(config).finally(() => underWay--)
      },
    },
    pepper,
  })
  const guesses = Array.from({ length: 900 }, () => makeKey('live'))
  const ask = (key: string) => counted.verify(key, { isGuesser: true })
  const first = guesses.slice(0, 10).map(ask)
  await new Promise((resolve) => setImmediate(resolve))
  const found = await Promise.all([...first, ...[...guesses.slice(10), liveKey].map(ask)])
  expect(found.filter((principal) => principal !== null)).toMatchObject([{ tenantId }])
  expect(most).toBe(1)

  await Promise.all([...guesses, liveKey].map((key) => verify(key, { isGuesser: true })))
  expect(state.queries).toBeLessThanOrEqual(2)
})

test('a key that was good within the hour does not wait with the guesses', async () => {
  const { liveKey } = await buildTenant()
  const gate = Promise.withResolvers<void>()
  let [nowMs, queries] = [1_000, 0]
  const { verify } = createKeyVerifier({
    pool: {
      async query(config) {
        if (++queries === 2) await gate.promise
        return await database.pool.query<never>(config)
      },
    },
    pepper,
    now: () => nowMs,
  })
  await verify(liveKey)
  nowMs += 10_000
  const guess = verify(makeKey('live'), { isGuesser: true })
  expect(await verify(liveKey, { isGuesser: true })).not.toBeNull()
  gate.resolve()
  expect(await guess).toBeNull()
})

test('a failure of the database rejects all waiting callers and is not cached', async () => {
  const { liveKey } = await buildTenant()
  let isDown = true
  const pool: Queryable = {
    query: (config) => (isDown ? Promise.reject(new Error('down')) : database.pool.query(config)),
  }
  const { verify } = createKeyVerifier({ pool, pepper })
  const both = await Promise.allSettled([verify(liveKey), verify(liveKey)])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  isDown = false
  expect(await verify(liveKey)).not.toBeNull()
})

test('a key is refused with another pepper', async () => {
  const { liveKey } = await buildTenant()
  expect(await buildVerifier(createSecretKey(randomBytes(32))).verify(liveKey)).toBeNull()
})

test('a key is accepted before, during and after a change of the pepper; after its first use, the old pepper is not needed', async () => {
  const next = createSecretKey(randomBytes(32))
  const { liveKey, testKey, tenantId } = await buildTenant()
  const changing = () => createKeyVerifier({ pool: database.pool, pepper: next, previousPepper: pepper })
  const notYet = createKeyVerifier({ pool: database.pool, pepper, previousPepper: next })
  const countLeft = async () => (await listKeysOfOtherPeppers(database.pool, pepperVersionOf(next), 1)).count
  const left = await countLeft()
  expect(await changing().verify(liveKey)).toMatchObject({ tenantId, mode: 'live' })
  expect(await countLeft()).toBe(left - 1)
  const after = createKeyVerifier({ pool: database.pool, pepper: next })
  expect(await after.verify(liveKey)).toMatchObject({ tenantId })
  expect(await after.verify(testKey)).toBeNull()
  // A process that was not replaced yet knows the next pepper beforehand.
  expect(await notYet.verify(liveKey)).toMatchObject({ tenantId })
})

test('during a change of the pepper, a revoked key is not rehashed, and unknown keys stay unknown', async () => {
  const next = createSecretKey(randomBytes(32))
  const { tenantId } = await buildTenant()
  const { key, keyId } = await issue({ mode: 'live', tenantId })
  await revoke(tenantId, keyId)
  const { verify } = createKeyVerifier({ pool: database.pool, pepper: next, previousPepper: pepper })
  expect(await verify(key)).toBeNull()
  expect(await verify(makeKey('live'))).toBeNull()
})

test('a key is accepted even if it cannot be rehashed', async () => {
  const { liveKey, tenantId } = await buildTenant()
  const errors: unknown[] = []
  const pool: Queryable = {
    query: (config) =>
      config.name === 'rehash-key' ? Promise.reject(new Error('locked')) : database.pool.query(config),
  }
  const { verify } = createKeyVerifier({
    pool,
    pepper: createSecretKey(randomBytes(32)),
    previousPepper: pepper,
    onError: (error) => errors.push(error),
  })
  expect(await verify(liveKey)).toMatchObject({ tenantId })
  expect(errors).toHaveLength(1)
})

test('the role of the api may replace a hash only by the function for it', async () => {
  const { liveKey } = await buildTenant()
  const pool = createPool({
    url: database.url,
    max: 1,
    applicationName: 'test',
    onError: () => {},
    role: 'lettergate_batch',
  })
  const next = createSecretKey(randomBytes(32))
  const { verify } = createKeyVerifier({ pool, pepper: next, previousPepper: pepper })
  expect(await verify(liveKey)).not.toBeNull()
  expect(await createKeyVerifier({ pool, pepper: next }).verify(liveKey)).not.toBeNull()
  await expect(pool.query("update api_key set hash = '\\x00'")).rejects.toThrow('permission denied')
  await pool.end()
})

test('the database has no key, only hashes', async () => {
  const { liveKey, testKey } = await buildTenant()
  const { rows } = await database.pool.query('select api_key::text as text from api_key')
  const dump = rows.map((row) => row.text).join('\n')
  expect(dump).toContain(liveKey.slice(0, 12))
  for (const key of [liveKey, testKey]) expect(dump).not.toContain(key.slice(8, 20))
})

test("another tenant's key cannot be revoked", async () => {
  const [mine, other] = await Promise.all([buildTenant(), buildTenant()])
  const keyId = keyIdOf(await buildVerifier().verify(other.liveKey))
  expect(await revoke(mine.tenantId, keyId)).toBe(false)
  expect(await buildVerifier().verify(other.liveKey)).not.toBeNull()
})

test('a tenant gets the daily limit of its plan unless one is set', async () => {
  const deps = { operator: database.operator, pepper }
  const made = [
    await createTenant(deps, { name: 'a', plan: 'free' }),
    await createTenant(deps, { name: 'b', plan: 'scale' }),
    await createTenant(deps, { name: 'c', plan: 'free', dailyLimit: 0 }),
  ]
  const { rows } = await database.pool.query({
    text: 'select daily_limit from tenant where id = any($1) order by name',
    values: [made.map(({ tenantId }) => tenantId)],
  })
  expect(rows.map((row) => row.daily_limit)).toEqual([200, 1_000_000, 0])
})

test('a tenant that cannot be created leaves nothing behind', async () => {
  const deps = { operator: database.operator, pepper }
  await expect(createTenant(deps, { name: 'too low', plan: 'free', dailyLimit: -1 })).rejects.toThrow()
  const { rowCount } = await database.pool.query("select from tenant where name = 'too low'")
  expect(rowCount).toBe(0)
})
