import { newId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { proveDomains } from '../../test/pool-bed.ts'
import { buildConnection, buildRoute, buildTenant } from '../../test/rows.ts'
import { POOL_TENANT_ID } from '../lib/index.ts'
import { insertDataKey } from '../secrets/index.ts'
import { createPoolWays, type PoolMessage } from './pool-ways.ts'
import { createRoutingViews } from './routing-views.ts'

let db: TestDatabase
let tenantId: string
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
  tenantId = await buildTenant(db.pool)
  for (const id of [tenantId, POOL_TENANT_ID])
    await insertDataKey(db.pool, id, { version: 1, rootVersion: 1, wrapped: Buffer.from('x') })
  await proveDomains(db, 'acme.example')
})
afterAll(() => db.drop())

async function connect(owner: string, provider = 'smtp'): Promise<string> {
  const row = { tenantId: owner, id: newId(), provider, name: 'x', priority: 1, settings: {} }
  await buildConnection(db.pool, { ...row, sealedCredentials: Buffer.from('x'), dataKeyVersion: 1 })
  return row.id
}

const set = (text: string) =>
  db.pool.query({
    text: `update tenant set ${text}, connections_version = connections_version + 1 where id = $1`,
    values: [tenantId],
  })

const message: PoolMessage = {
  stream: 'transactional',
  tags: [],
  fromAddress: 'app@mail.acme.example',
  recipients: [{ address: 'user@example.net' }],
  connectionId: null,
}

/** As a process that has cached nothing judges. */
async function wayOf(change: Partial<PoolMessage> = {}) {
  const views = createRoutingViews({ tenants: db.tenants })
  const way = await createPoolWays({ views, providers: createProviders() }).wayOf(
    tenantId,
    { ...message, ...change },
    0,
  )
  return way.pool
}

test('without a pool, nothing depends on it', async () => {
  expect(await wayOf()).toBe('no')
})

test('without a connection of its own, a tenant needs the pool', async () => {
  await connect(POOL_TENANT_ID)
  expect(await wayOf()).toBe('must')
  await set(`pool = 'never'`)
  expect(await wayOf()).toBe('no')
})

test('an own connection comes first, unless the tenant wants the pool first', async () => {
  await connect(POOL_TENANT_ID)
  const own = await connect(tenantId)
  expect(await wayOf()).toBe('no')
  await set(`pool = 'first'`)
  expect(await wayOf()).toBe('may')
  expect(await wayOf({ connectionId: own })).toBe('no')
  // The pool may not send it, and the own provider judges its sender itself.
  expect(await wayOf({ fromAddress: 'app@other.example' })).toBe('no')
})

test('a route decides, also without any own connection, and weights are drawn when the message is sent', async () => {
  await connect(POOL_TENANT_ID)
  const own = await connect(tenantId)
  const row = { tenantId, id: newId(), position: 1, name: 'x', match: { tag: 'a' }, enabled: true }
  const targets = (...ids: string[]) => ids.map((connection_id) => ({ connection_id, weight: 1 }))
  await buildRoute(db.pool, { ...row, strategy: 'ordered', targets: targets('pool', own) })
  await buildRoute(db.pool, {
    ...row,
    id: newId(),
    match: { tag: 'b' },
    strategy: 'ordered',
    targets: targets('pool'),
  })
  await buildRoute(db.pool, {
    ...row,
    id: newId(),
    match: { tag: 'c' },
    strategy: 'weighted',
    targets: targets('pool', own),
  })
  expect(await wayOf({ tags: ['a'] })).toBe('may')
  expect(await wayOf({ tags: ['b'] })).toBe('must')
  expect(await wayOf({ tags: ['c'] })).toBe('no')
  await db.pool.query({ text: 'delete from connection where id = $1', values: [own] })
  expect(await wayOf({ tags: ['b'] })).toBe('must')
})

test('a paused tenant still needs the pool, whose share is nothing then', async () => {
  await connect(POOL_TENANT_ID)
  await db.pool.query({
    text: `insert into abuse_state (tenant_id, state, by, why) values ($1, 'paused', 'rule', 'x')`,
    values: [tenantId],
  })
  expect(await wayOf()).toBe('must')
})

test('a view that is older than what accept saw is read again', async () => {
  await connect(POOL_TENANT_ID)
  const views = createRoutingViews({ tenants: db.tenants, ttlMs: 3_600_000 })
  const ways = createPoolWays({ views, providers: createProviders() })
  const before = await ways.wayOf(tenantId, message, 0)
  await connect(tenantId)
  expect(await ways.wayOf(tenantId, message, 0)).toEqual(before)
  const after = await ways.wayOf(tenantId, message, (before.connectionsVersion ?? 0) + 1)
  expect(after).toMatchObject({ pool: 'no', connectionsVersion: (before.connectionsVersion ?? 0) + 1 })
})
