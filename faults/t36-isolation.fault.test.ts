import { toPublicId } from '@lettergate/contracts/lib/ids'
import { exampleBodies } from '@lettergate/contracts/test/example-bodies'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import { buildTenant } from '@lettergate/core/test/rows'
import { migrate } from '@lettergate/db/migrate'
import { createPool } from '@lettergate/db/pool'
import { createTenants } from '@lettergate/db/tenant-scope'
import { expect, test } from 'vitest'
import { promisedIds } from './src/client-ledger.ts'
import { askWhole, neverAnId, readIdRoutes, uuidOf } from './src/foreign-ids.ts'
import { waitUntil } from './src/ports.ts'
import { createPostgresCluster } from './src/postgres.ts'
import { reportResult } from './src/report.ts'
import { announceSeed } from './src/seed.ts'
import { type Stack, startStack } from './src/stack.ts'
import { findBreaches, readableTables, tenantsSeen } from './src/tenant-isolation.ts'

const noBreach = { unboundRoles: [], openTables: [], readOnlyPolicies: [], reachablePartitions: [] }
const MINUTES_MS = 60_000

/** Ids of the first tenant: messages that were sent, and that wait; its connection. */
async function makeIds(stack: Stack): Promise<Record<string, string[]>> {
  const ids: string[] = []
  for (const index of [0, 1, 2, 3]) {
    const later = index % 2 === 0 ? {} : { sendAt: new Date(Date.now() + 10 * MINUTES_MS) }
    const request = await stack.client.sendUntilSettled({
      idempotencyKey: `t36-${index}`,
      to: ['user@example.net'],
      ...later,
    })
    ids.push(...promisedIds(request))
  }
  const { rows } = await stack.pool.query<{ id: string }>({
    text: 'select id from connection where tenant_id = $1',
    values: [uuidOf('ten', stack.tenant.tenantId)],
  })
  const con = rows.map((row) => toPublicId('con', row.id))
  const suppressions = [{ address: 'listed@example.net' }]
  await make(stack, '/v1/suppressions', { suppressions })
  const job = await idOf(make(stack, '/v1/suppressions/export', {}))
  const bulk = await idOf(make(stack, '/v1/messages/bulk', { filter: { tag: 'none' }, action: 'hold' }))
  return { msg: ids, con, rte: [await makeRoute(stack, con)], job: [job, bulk] }
}

async function make({ apiUrl, tenant }: Stack, path: string, body: unknown): Promise<Response> {
  return await fetch(`${apiUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tenant.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

async function idOf(made: Promise<Response>): Promise<string> {
  const response = await made
  const { id }: { id?: unknown } = JSON.parse(await response.text())
  if (typeof id !== 'string') throw new Error(`nothing was made: ${response.status}`)
  return id
}

async function makeRoute(stack: Stack, connections: string[]): Promise<string> {
  const targets = connections.map((connection) => ({ connection }))
  const body = { name: 'All', position: 1, match: {}, strategy: 'ordered', targets }
  return await idOf(make(stack, '/v1/routes', body))
}

/** Asks for everything of the first tenant by the second one's key; answers how often. */
async function askForAll(stack: Stack, ids: Record<string, string[]>): Promise<number> {
  const [, other] = stack.tenants
  if (!other) throw new Error('two tenants are needed')
  let asked = 0
  for (const { method, path, prefix, body } of await readIdRoutes(stack.apiUrl, exampleBodies)) {
    const ask = (id: string) =>
      askWhole(stack.apiUrl, other.apiKey, { method, path: path.replace(/\{\w+\}/, id), body })
    const never = await ask(neverAnId(prefix))
    for (const id of ids[prefix] ?? []) {
      expect([method, path, await ask(id)]).toEqual([method, path, never])
      expect(never.status).toBe(404)
      asked++
    }
  }
  // Ids that are not in a path: a list of them, a connection to send by, a filter.
  const post = (path: string, body: unknown) =>
    askWhole(stack.apiUrl, other.apiKey, { method: 'POST', path, body })
  const message = { from: 'a@acme.example', to: ['user@example.net'], subject: 'x', text: 'x' }
  const by = (connection: string | undefined) => post('/v1/send', { ...message, connection })
  const status = (id: string | undefined) => post('/v1/messages/status', { ids: [id] })
  expect(await by(ids.con?.[0])).toEqual(await by(neverAnId('con')))
  expect(await status(ids.msg?.[0])).toEqual(await status(neverAnId('msg')))
  const list = await askWhole(stack.apiUrl, other.apiKey, {
    method: 'GET',
    path: '/v1/messages?to=user@example.net',
  })
  expect(JSON.parse(list.text)).toMatchObject({ data: [] })
  const listed = await askWhole(stack.apiUrl, other.apiKey, {
    method: 'GET',
    path: '/v1/suppressions/listed@example.net',
  })
  expect(listed.status).toBe(404)
  return asked + 4
}

/** The rows that each of the two roles gets by statements without a tenant. */
async function readWithoutCondition(stack: Stack): Promise<number> {
  const url = stack.env.DATABASE_URL ?? ''
  const [mine, theirs] = stack.tenants.map(({ tenantId }) => uuidOf('ten', tenantId))
  if (!mine || !theirs) throw new Error('two tenants are needed')
  const options = { url, max: 2, applicationName: 't36', onError: () => undefined }
  const bare = createPool({ ...options, role: 'lettergate_tenant' })
  const tenants = createTenants(options)
  const tables = await readableTables(stack.pool, 'lettergate_tenant')
  try {
    for (const table of tables) {
      expect([table, await tenantsSeen(bare, table)]).toEqual([table, []])
      const seen = await tenantsSeen(tenants.forTenant(theirs), table)
      expect([table, seen.filter((id) => id !== theirs)]).toEqual([table, []])
    }
    expect(await tenantsSeen(tenants.forTenant(mine), 'message')).toEqual([mine])
    const usage = { text: "insert into usage (tenant_id, day, mode) values ($1, '2020-01-01', 'live')" }
    const event = { text: "insert into event (tenant_id, message_id, type) values ($1, $1, 'x')" }
    for (const insert of [usage, event]) {
      const written = tenants.forTenant(theirs).query({ ...insert, values: [mine] })
      await expect(written).rejects.toThrow('row-level security')
    }
    const taken = tenants.forTenant(theirs).query({ text: 'update outbox set tenant_id = tenant_id' })
    expect((await taken).rowCount).toBe(0)
    const batch = await readableTables(stack.pool, 'lettergate_batch')
    expect(batch).not.toContain('connection')
    expect(batch).not.toContain('data_key')
    const operator = await readableTables(stack.pool, 'lettergate_operator')
    for (const table of [
      'message_content',
      'message',
      'recipient',
      'attachment',
      'data_key',
      'endpoint',
      'hook',
    ])
      expect(operator).not.toContain(table)
    return tables.length
  } finally {
    await Promise.all([bare.end(), tenants.close()])
  }
}

test('T36: no request reaches another tenant’s objects, and statements without a tenant see no rows', async () => {
  announceSeed('T36')
  await using stack = await startStack({ dailyLimit: 1_000, tenants: 2 })
  const ids = await makeIds(stack)
  const asked = await askForAll(stack, ids)
  const cancelled = "select 1 from recipient where status not in ('queued', 'scheduled', 'sent')"
  expect((await stack.pool.query({ text: cancelled })).rowCount).toBe(0)
  const mine = (path: string) => askWhole(stack.apiUrl, stack.tenant.apiKey, { method: 'GET', path })
  for (const id of ids.msg ?? []) expect((await mine(`/v1/messages/${id}`)).status).toBe(200)
  expect((await mine(`/v1/connections/${ids.con?.[0]}`)).status).toBe(200)
  const attempts = { text: 'select 1 from attempt' }
  await waitUntil('two attempts', 10_000, async () => (await stack.pool.query(attempts)).rowCount === 2)
  const tables = await readWithoutCondition(stack)
  // Partitions that are made while processes run are as shut as the first ones.
  await stack.pool.query({ text: 'select ensure_partitions(current_date + 20, current_date + 21)' })
  expect(await findBreaches(stack.pool)).toEqual(noBreach)

  // The processes really are under these policies: what one withdraws is gone for them.
  await stack.pool.query({ text: 'drop policy own_rows on message' })
  expect(JSON.parse((await mine('/v1/messages')).text)).toMatchObject({ data: [] })
  expect((await mine(`/v1/messages/${ids.msg?.[0]}`)).status).toBe(200)
  await stack.pool.query({ text: 'drop policy all_rows on message' })
  expect((await mine(`/v1/messages/${ids.msg?.[0]}`)).status).toBe(404)
  reportResult({
    test: 'T36',
    fault: `every route asked for every id of another tenant; statements without a condition on ${tables} tables`,
    n: asked,
    result: '404 with the bytes of an id that never was; 0 rows of others, 0 rows with no tenant set',
    bound: '0 answers or rows of another tenant',
  })
}, 120_000)

test('T36 control: without its policy, a statement without a tenant gets the rows of all tenants', async () => {
  announceSeed('T36 control')
  await using cleanup = new AsyncDisposableStack()
  const cluster = cleanup.adopt(await createPostgresCluster(), (it) => it.destroy())
  const options = { url: await cluster.database('t36'), max: 2, applicationName: 't36', onError: () => {} }
  const pool = cleanup.adopt(createPool(options), (it) => it.end())
  const tenants = cleanup.adopt(createTenants(options), (it) => it.close())
  // Roles belong to the cluster: concurrent migrations of its databases conflict when they create them.
  const others = [await cluster.database('a'), await cluster.database('b')].map((url) =>
    cleanup.adopt(createPool({ ...options, url }), (it) => it.end()),
  )
  await Promise.all([pool, ...others].map((one) => migrate(one)))
  const [mine, theirs] = [await buildTenant(pool), await buildTenant(pool)]
  expect(await tenantsSeen(tenants.forTenant(mine), 'tenant')).toEqual([mine])
  await pool.query({ text: 'drop policy own_rows on tenant' })
  await pool.query({ text: 'alter table tenant disable row level security' })
  // The shared pool's owner is a row of the table too.
  const all = [POOL_TENANT_ID, mine, theirs].sort()
  expect((await tenantsSeen(tenants.forTenant(mine), 'tenant')).sort()).toEqual(all)
  expect((await findBreaches(pool)).openTables).toEqual(['tenant'])
  reportResult({
    test: 'T36 control',
    fault: 'the policy of one table dropped',
    n: 2,
    result: 'a statement without a condition gets the rows of both tenants',
    bound: 'rows of another tenant',
  })
}, 120_000)
