import { createSecretKey, randomBytes } from 'node:crypto'
import type { TenantPrisma } from '@lettergate/db/prisma'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createFakeEgress } from '@lettergate/egress/test/fake-egress'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildTenant } from '../../test/rows.ts'
import { createSealer } from '../secrets/index.ts'
import { createConnection } from './connections.ts'
import { updateConnection } from './update.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

function depsOf(prisma: TenantPrisma, asked = () => {}) {
  return {
    prisma,
    tenants: db.tenants,
    sealer: createSealer({ tenants: db.tenants, root: createSecretKey(Buffer.alloc(32, 7)) }),
    egress: createFakeEgress({
      checkResolvedTarget: async () => {
        asked()
        return { ok: true, rule: 'public-internet' }
      },
    }),
    providers: createProviders(),
  }
}

/** Another request runs between each reading of a connection and its change. */
function beforeEachChange(meanwhile: () => Promise<unknown>): TenantPrisma {
  return {
    ...db.prisma,
    async forTenantInTurn(id, work) {
      await meanwhile()
      return db.prisma.forTenantInTurn(id, work)
    },
  }
}

const ours = { host: 'mx.example.net', port: 587 }
const theirs = { host: 'mx.evil.example', port: 587 }
const secret = () => ({ username: 'u', password: randomBytes(8).toString('hex') })

it('settings that another change made meanwhile are checked again: stored credentials never reach another server', async () => {
  const deps = depsOf(db.prisma)
  const tenantId = await buildTenant(db.pool)
  const made = { provider: 'smtp', name: 'Relay', priority: 1, settings: theirs, credentials: secret() }
  const { id } = await createConnection(deps, tenantId, made)
  // The owner sets the true host with its password, while another request sets the former host again.
  const goesHome = () => updateConnection(deps, tenantId, id, { settings: ours, credentials: secret() })
  let asked = 0
  const interrupted = depsOf(beforeEachChange(goesHome), () => asked++)
  await expect(updateConnection(interrupted, tenantId, id, { settings: theirs })).rejects.toMatchObject({
    code: 'validation-failed',
    errors: [{ pointer: '#/credentials' }],
  })
  // A slow DNS is waited for once, not for each repeat.
  expect(asked).toBe(1)
  const after = await updateConnection(deps, tenantId, id, { name: 'Still' })
  expect(after.settings).toEqual(ours)
})
