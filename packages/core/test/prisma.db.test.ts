import { randomUUID } from 'node:crypto'
import { databaseFailure } from '@lettergate/db/errors'
import { createOperatorPrisma, createTenantPrisma } from '@lettergate/db/prisma'
import { createTenants } from '@lettergate/db/tenant-scope'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { startSilentProxy } from '@lettergate/db/test/silent-proxy'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildTenant } from './rows.ts'

let db: TestDatabase
let mine: string
let theirs: string
beforeAll(async () => {
  db = await createTestDatabase()
  ;[mine, theirs] = [await buildTenant(db.pool), await buildTenant(db.pool)]
})
afterAll(() => db.drop())

const newRoute = (tenantId: string, name: string) => ({
  tenant_id: tenantId,
  id: randomUUID(),
  name,
  position: 1,
  strategy: 'ordered',
  enabled: false,
  match: {},
  targets: [],
})

test('two concurrent tenants never see each other’s rows, in thousands of mixed calls without any condition', async () => {
  for (const tenantId of [mine, theirs]) {
    await db.prisma.forTenant(tenantId, (tables) =>
      tables.route.createMany({ data: [1, 2, 3].map(() => newRoute(tenantId, tenantId)) }),
    )
  }
  let wrong = 0
  const expectOwn = (tenantId: string, rows: { tenant_id: string }[]) => {
    if (rows.length === 0 || rows.some((row) => row.tenant_id !== tenantId)) wrong++
  }
  const call = (index: number) => {
    const tenantId = index % 2 === 0 ? mine : theirs
    return db.prisma.forTenant(tenantId, async (tables) => {
      const other = tenantId === mine ? theirs : mine
      if (index % 5 === 0) expectOwn(tenantId, await tables.route.findMany())
      else if (index % 5 === 1) {
        const [rows, tenant] = await Promise.all([
          tables.route.findMany({ orderBy: { id: 'asc' } }),
          tables.tenant.findMany({ select: { id: true } }),
        ])
        expectOwn(tenantId, rows)
        if (tenant.length !== 1 || tenant[0]?.id !== tenantId) wrong++
      } else if (index % 5 === 2) {
        if (await tables.tenant.findUnique({ where: { id: other }, select: { id: true } })) wrong++
        if (!(await tables.tenant.findUnique({ where: { id: tenantId }, select: { id: true } }))) wrong++
      } else if (index % 5 === 3) {
        const { count } = await tables.route.updateMany({ data: { position: index } })
        if (count !== 3) wrong++
      } else if ((await tables.route.count()) !== 3) wrong++
    })
  }
  for (let index = 0; index < 2_000; index += 100)
    await Promise.all(Array.from({ length: 100 }, (_, offset) => call(index + offset)))
  expect(wrong).toBe(0)
})

test("another tenant's row can neither be written nor changed", async () => {
  const foreign = db.prisma.forTenant(mine, (tables) =>
    tables.route.create({ data: newRoute(theirs, 'foreign') }),
  )
  await expect(foreign).rejects.toThrow('row-level security')
  const gone = db.prisma.forTenant(mine, (tables) =>
    tables.route.deleteMany({ where: { tenant_id: theirs } }),
  )
  expect(await gone).toEqual({ count: 0 })
})

test('without a tenant the role of tenants sees no row, also after a tenant was set on the same connection', async () => {
  const tenants = createTenants({ url: db.url, max: 1, applicationName: 'test', onError: () => {} })
  const one = createTenantPrisma(tenants)
  expect(await one.forTenant(mine, (tables) => tables.tenant.count())).toBe(1)
  const nobody = createOperatorPrisma(tenants.pool)
  expect(await nobody.forOperator((tables) => tables.tenant.count())).toBe(0)
  expect(() => one.forTenant("x', true); drop table tenant; --", async () => {})).toThrow('UUID')
  await tenants.close()
})

test('work that fails leaves nothing behind, and its error is thrown unchanged', async () => {
  const mind = new Error('changed my mind')
  const failing = db.prisma.forTenant(mine, async (tables) => {
    await tables.route.create({ data: newRoute(mine, 'never') })
    throw mind
  })
  await expect(failing).rejects.toBe(mind)
  expect((await db.pool.query("select from route where name = 'never'")).rowCount).toBe(0)
})

test('times are the time of the database', async () => {
  const row = await db.prisma.forTenant(mine, async (tables) => {
    const [now] = await tables.$queryRaw<{ now: Date }[]>`select now()`
    const made = await tables.route.create({ data: newRoute(mine, 'timed') })
    const past = new Date(0)
    const where = { tenant_id_id: { tenant_id: mine, id: made.id } }
    const changed = await tables.route.update({ where, data: { updated_at: past } })
    return { now: now?.now, made, changed }
  })
  expect(row.made.created_at).toEqual(row.now)
  expect(row.changed.updated_at).toEqual(row.now)
})

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: unknown) => databaseFailure(error),
  )

test('errors are classified like errors of SQL', async () => {
  const row = newRoute(mine, 'twice')
  const twice = db.prisma.forTenant(mine, async (tables) => {
    await tables.route.create({ data: row })
    await tables.route.create({ data: row })
  })
  expect(await failureOf(twice)).toBe('conflict')
  const broken = db.prisma.forTenant(mine, (tables) =>
    tables.route.create({ data: { ...row, strategy: 'none' } }),
  )
  expect(await failureOf(broken)).toBe('query')
  const lock = await db.pool.connect()
  await lock.query('begin; lock table route')
  expect(await failureOf(db.prisma.forTenant(mine, (tables) => tables.route.count()))).toBe('locked')
  await lock.query('rollback')
  lock.release()
})

test('a query that Prisma refuses is an internal error, without values in its text', async () => {
  const where = JSON.parse('{"id": {"contains": "a secret"}}')
  const failing = db.prisma.forTenant(mine, (tables) => tables.route.findMany({ where }))
  const error = await failing.catch((reason: unknown) => reason)
  expect(databaseFailure(error)).toBe('query')
  expect(String(error)).not.toContain('a secret')
  expect(error).not.toHaveProperty('cause')
})

test('a database that stops answering during a transaction is unavailable, and its connection is replaced', async () => {
  const proxy = await startSilentProxy(db.url)
  const tenants = createTenants({
    url: proxy.url,
    max: 1,
    applicationName: 'test',
    onError: () => {},
    deadlineMs: 300,
  })
  const { forTenant } = createTenantPrisma(tenants)
  const silenced = forTenant(mine, async (tables) => {
    await tables.route.count()
    proxy.silence()
    await tables.route.count()
  })
  expect(await failureOf(silenced)).toBe('unavailable')
  expect(await forTenant(mine, (tables) => tables.tenant.count())).toBe(1)
  await tenants.close()
  await proxy.close()
})
