import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { UpdateRouteRequest } from '@lettergate/contracts/routes/routes'
import type { TenantPrisma } from '@lettergate/db/prisma'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { buildConnection, buildTenant } from '../../test/rows.ts'
import { insertDataKey } from '../secrets/index.ts'
import { createRoute, readRoute, updateRoute } from './routes.ts'

let db: TestDatabase
let tenantId: string
let id: string
const targets = () => [{ connection: toPublicId('con', connection), weight: 1 }]
let connection: string
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())
beforeEach(async () => {
  tenantId = await buildTenant(db.pool)
  await insertDataKey(db.pool, tenantId, { version: 1, rootVersion: 1, wrapped: Buffer.from('x') })
  connection = newId()
  const row = { tenantId, id: connection, provider: 'smtp', name: 'x', priority: 1, settings: {} }
  await buildConnection(db.pool, { ...row, sealedCredentials: Buffer.from('x'), dataKeyVersion: 1 })
  const route = {
    name: 'First',
    position: 7,
    match: { tag: 'a' },
    strategy: 'weighted',
    enabled: true,
  } as const
  id = (await createRoute(db, tenantId, { ...route, targets: targets() })).id
})

it.each<[UpdateRouteRequest, UpdateRouteRequest]>([
  [{ name: 'Other' }, { enabled: false }],
  [{ position: 3 }, { match: { stream: 'bulk' } }],
  [{ match: {} }, { strategy: 'ordered' }],
  [{ enabled: false }, { name: 'Other', position: 1 }],
])('two concurrent changes are both stored: %o and %o', async (mine, theirs) => {
  await Promise.all([updateRoute(db, tenantId, id, mine), updateRoute(db, tenantId, id, theirs)])
  expect(await readRoute(db, tenantId, id)).toMatchObject({ ...mine, ...theirs })
})

it('a change during a deletion does not restore the route', async () => {
  const gone: TenantPrisma = {
    ...db.prisma,
    async forTenantInTurn(of, work) {
      await db.pool.query({ text: 'delete from route' })
      return db.prisma.forTenantInTurn(of, work)
    },
  }
  const change = updateRoute({ prisma: gone }, tenantId, id, { name: 'Other' })
  await expect(change).rejects.toMatchObject({ code: 'not-found' })
})
