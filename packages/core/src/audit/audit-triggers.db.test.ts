import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditTargets } from '@lettergate/contracts/audit/audit'
import { createActorScope } from '@lettergate/db/actor'
import { createTenantPrisma } from '@lettergate/db/prisma'
import { createTenants, type TenantPool } from '@lettergate/db/tenant-scope'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildTenant } from '../../test/rows.ts'
import { expireAudit } from './sql/expire-audit.ts'

/** Tables of the client that are not logged, each with its reason. */
const NOT_LOGGED: Readonly<Record<string, string>> = {
  audit_log: 'it is the log',
  suppression: 'added by events of mail, many a second; each entry says its reason and its time',
  suppression_job: 'imports and exports, which are kept with their counts themselves',
  suppression_chunk: 'lines of a file on their way',
  data_job: 'exports, erasures and deletions, which are kept with their counts themselves',
  data_chunk: 'lines of an export on their way',
  domain_mark: 'names that were used once, so that they are never used again',
  inbound_address: 'made by itself when it is first asked for, and never changed',
  key_use: 'when a key was used last',
}

let db: TestDatabase
let tenants: TenantPool
const actors = createActorScope()
beforeAll(async () => {
  db = await createTestDatabase()
  tenants = createTenants({
    url: db.url,
    max: 2,
    applicationName: 'audit',
    onError: () => {},
    actorOf: actors.current,
  })
})
afterAll(async () => {
  await tenants.close()
  await db.drop()
})

type Entry = {
  actor: { kind: string }
  action: string
  target: string
  target_id: string
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
}

async function entriesOf(tenantId: string): Promise<Entry[]> {
  const { rows } = await db.pool.query<Entry>({
    text: 'select actor, action, target, target_id, before, after from audit_log where tenant_id = $1 order by id',
    values: [tenantId],
  })
  return rows
}

function modelsOfTheClient(): string[] {
  const folder = join(import.meta.dirname, '../../../../prisma/schema')
  const text = readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n')
  const models = text.matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)
  return [...models].flatMap(([, name = '', body = '']) => (/^ {2}@@ignore/m.test(body) ? [] : [name]))
}

test('every table that people manage is logged, or stands in the list of those that are not', async () => {
  const { rows } = await db.pool.query<{ name: string }>(
    `select c.relname as name from pg_trigger t join pg_class c on c.oid = t.tgrelid where t.tgname = 'audit'`,
  )
  const logged = rows.map(({ name }) => name)
  const models = modelsOfTheClient()
  expect(models).toContain('connection')
  expect(models.filter((name) => !logged.includes(name) && NOT_LOGGED[name] === undefined)).toEqual([])
  expect(logged.filter((name) => NOT_LOGGED[name] !== undefined)).toEqual([])
  expect(logged.toSorted(), 'each has a name for readers').toEqual(Object.keys(auditTargets).toSorted())
})

const route = (tenantId: string, name: string) => ({
  tenant_id: tenantId,
  id: randomUUID(),
  name,
  position: 1,
  strategy: 'ordered',
  enabled: true,
  match: {},
  targets: [],
})

test('a change is logged with its actor and only what changed, in bulk one entry for each row, and a change of nothing not at all', async () => {
  const tenantId = await buildTenant(db.pool)
  const prisma = createTenantPrisma(tenants, { actorOf: actors.current })
  const actor = { kind: 'key' as const, key_id: randomUUID(), request_id: "req_'1", address: '198.51.100.7' }
  await actors.run(actor, () =>
    prisma.forTenant(tenantId, async (tables) => {
      await tables.route.createMany({ data: [route(tenantId, 'One'), route(tenantId, 'Two')] })
      await tables.route.updateMany({ where: { name: 'One' }, data: { name: 'First' } })
      await tables.route.updateMany({ data: { position: 1 } })
      await tables.route.deleteMany({ where: { name: 'Two' } })
    }),
  )
  const entries = (await entriesOf(tenantId)).slice(1)
  expect(entries.map(({ action, target }) => `${action} ${target}`)).toEqual([
    'created route',
    'created route',
    'updated route',
    'deleted route',
  ])
  expect(
    entries.every(
      ({ actor: by }) =>
        JSON.stringify(Object.entries(by).sort()) === JSON.stringify(Object.entries(actor).sort()),
    ),
  ).toBe(true)
  expect(entries[2]).toMatchObject({ before: { name: 'One' }, after: { name: 'First' } })
  expect(Object.keys(entries[2]?.after ?? {})).toEqual(['name'])
  expect(entries[3]).toMatchObject({ before: { name: 'Two', position: 1 }, after: null })
})

test('the actor of one transaction is not that of the next on the same connection, nor of work beside it', async () => {
  const [one, other] = [await buildTenant(db.pool), await buildTenant(db.pool)]
  const insert = (tenantId: string) =>
    tenants.forTenant(tenantId).query({
      text: `insert into route (tenant_id, id, position, name, match, strategy, targets, enabled)
             values ($1, gen_random_uuid(), 1, 'x', '{}', 'ordered', '[]', true)`,
      values: [tenantId],
    })
  const named = (request: string) =>
    actors.run({ kind: 'key', key_id: randomUUID(), request_id: request, address: null }, () => insert(one))
  await Promise.all([named('req_a'), insert(other), named('req_b'), insert(other)])
  await insert(one)
  const actorsOf = async (tenantId: string) => (await entriesOf(tenantId)).slice(1).map(({ actor }) => actor)
  expect(await actorsOf(other)).toEqual([{ kind: 'system' }, { kind: 'system' }])
  expect((await actorsOf(one)).map(({ kind }) => kind)).toEqual(['key', 'key', 'system'])
})

test('no secret, and no change that happens by itself, is in the log', async () => {
  const tenantId = await buildTenant(db.pool)
  const [connection, key] = [randomUUID(), randomUUID()]
  const secret = Buffer.from('a sealed secret')
  const run = (text: string, values: unknown[]) => db.pool.query({ text, values })
  await run(
    `insert into data_key (tenant_id, version, root_version, wrapped) values ($1, 1, 1, $2), ($1, 2, 1, $2)`,
    [tenantId, secret],
  )
  await run(
    `insert into connection (tenant_id, id, provider, name, sealed_credentials, data_key_version) values ($1, $2, 'smtp', 'Relay', $3, 1)`,
    [tenantId, connection, secret],
  )
  await run(
    `insert into api_key (id, tenant_id, mode, hash, display, scopes) values ($1, $2, 'live', $3, 'lg_live_abcd', '{}')`,
    [key, tenantId, Buffer.alloc(32, 7)],
  )
  await run(
    `insert into default_secret (id, tenant_id, mode, sealed_secrets, data_key_version) values (gen_random_uuid(), $1, 'live', $2, 1)`,
    [tenantId, secret],
  )
  const before = await entriesOf(tenantId)
  expect(before.map(({ target }) => target)).toEqual(['tenant', 'connection', 'api_key', 'default_secret'])
  expect(before[3]?.after).toMatchObject({ sealed_secrets: null })
  // The gateway itself: a token that the provider replaced, a key that was hashed again, a version that rose.
  await run(`update connection set sealed_credentials = 'new', data_key_version = 2 where id = $1`, [
    connection,
  ])
  await run(`update api_key set hash = $2, pepper_version = 5 where id = $1`, [key, Buffer.alloc(32, 8)])
  await run(`update tenant set connections_version = 9, released_version = 9 where id = $1`, [tenantId])
  expect(await entriesOf(tenantId)).toEqual(before)
  await run(`update default_secret set sealed_secrets = 'new' where tenant_id = $1`, [tenantId])
  await run(
    `update connection set sealed_credentials = 'mine', credentials_rotated_at = now() where id = $1`,
    [connection],
  )
  const [secretChange, rotation] = (await entriesOf(tenantId)).slice(4)
  expect(secretChange).toMatchObject({ before: { sealed_secrets: null }, after: { sealed_secrets: null } })
  expect(Object.keys(rotation?.after ?? {})).toEqual(['credentials_rotated_at'])
  const { rows } = await db.pool.query<{ log: string }>(
    `select string_agg(to_json(a)::text, '') as log from audit_log a`,
  )
  for (const form of ['a sealed secret', secret.toString('hex'), Buffer.alloc(32, 7).toString('hex')])
    expect(rows[0]?.log).not.toContain(form)
})

test('a transaction that is rolled back leaves nothing in the log', async () => {
  const tenantId = await buildTenant(db.pool)
  const failed = db.prisma.forTenant(tenantId, async (tables) => {
    await tables.route.createMany({ data: [route(tenantId, 'Gone')] })
    throw new Error('stop')
  })
  await expect(failed).rejects.toThrow('stop')
  expect(await entriesOf(tenantId)).toHaveLength(1)
})

test('a tenant sees its own entries alone, and nobody but the sweep can change or delete one', async () => {
  const [one, other] = [await buildTenant(db.pool), await buildTenant(db.pool)]
  const seen = await db.prisma.forTenant(one, (tables) => tables.audit_log.findMany())
  expect(new Set(seen.map(({ tenant_id }) => tenant_id))).toEqual(new Set([one]))
  expect(other).not.toBe(one)
  const change = db.prisma.forTenant(one, (tables) =>
    tables.audit_log.updateMany({ data: { action: 'deleted' } }),
  )
  await expect(change).rejects.toThrow('permission denied')
  await expect(db.batch.query({ text: `update audit_log set action = 'deleted'` })).rejects.toThrow(
    'permission denied',
  )
})

test('entries of more than 400 days ago are deleted, a bounded number at a time, and younger ones stay', async () => {
  const tenantId = await buildTenant(db.pool)
  await db.pool.query(`update audit_log set at = now() - interval '401 days'`)
  const old =
    (await db.pool.query<{ n: number }>('select count(*)::int4 as n from audit_log')).rows[0]?.n ?? 0
  await buildTenant(db.pool)
  expect(await expireAudit(db.batch, 400, 2)).toBe(2)
  let total = 2
  for (let n = 2; n > 0; total += n) n = await expireAudit(db.batch, 400, 2)
  expect(total).toBe(old)
  expect(await entriesOf(tenantId)).toEqual([])
  expect((await db.pool.query('select from audit_log')).rowCount).toBe(1)
})
