import { AllResources } from '@lettergate/contracts/admin/resources'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { ManagedTables } from '@lettergate/db/prisma'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildTenant } from '../../test/rows.ts'
import { checkResourceLimit } from './resource-limit.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

async function tenantWith(resources: object): Promise<string> {
  const tenantId = await buildTenant(db.pool)
  await db.pool.query({
    text: `update tenant set own_limits = jsonb_build_object('resources', $2::jsonb) where id = $1`,
    values: [tenantId, JSON.stringify(resources)],
  })
  return tenantId
}

const addMailbox = (tenantId: string) => async (tables: ManagedTables) => {
  await checkResourceLimit(tables, { tenantId, resource: 'mailboxes' })
  const id = newId()
  await tables.mailbox.createMany({ data: [{ tenant_id: tenantId, id, mode: 'live', name: id }] })
}

test('a limit is exact, however many processes make one at once', async () => {
  const tenantId = await tenantWith({ mailboxes: 2 })
  const make = () => db.prisma.forTenant(tenantId, addMailbox(tenantId))
  await make()
  // As from several processes: none takes turns with another in memory.
  const done = await Promise.allSettled([make(), make(), make(), make()])
  expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const refused = done.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  expect(refused.map((one) => (one instanceof Problem ? one.code : String(one)))).toEqual(
    Array(3).fill('limit-reached'),
  )
})

test.each(AllResources.keyof().options)(
  'a plan limits %s, and the problem names limit and plan',
  async (resource) => {
    const tenantId = await tenantWith({ [resource]: 0 })
    await expect(
      db.prisma.forTenant(tenantId, (tables) => checkResourceLimit(tables, { tenantId, resource })),
    ).rejects.toMatchObject({
      code: 'limit-reached',
      detail: expect.stringContaining(`your plan "scale" allows 0 (limit \`${resource}\`)`),
    })
  },
)
