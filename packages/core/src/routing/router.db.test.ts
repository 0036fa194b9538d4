import { createSecretKey, randomBytes } from 'node:crypto'
import { newId } from '@lettergate/contracts/lib/ids'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildConnection, buildTenant } from '../../test/rows.ts'
import { createSealer, type Sealer } from '../secrets/index.ts'
import { createRouter } from './router.ts'

const root = createSecretKey(randomBytes(32))
let db: TestDatabase
let tenantId: string
beforeAll(async () => {
  db = await createTestDatabase()
  tenantId = await buildTenant(db.pool)
  const id = newId()
  const place = { tenantId, table: 'connection', id } as const
  const sealer = createSealer({ tenants: db.tenants, root })
  const { sealed, dataKeyVersion } = await sealer.sealJson(place, {})
  const settings = { host: 'smtp.example.com', port: 587 }
  await buildConnection(db.pool, {
    tenantId,
    id,
    provider: 'smtp',
    name: 'Relay',
    priority: 1,
    settings,
    sealedCredentials: sealed,
    dataKeyVersion,
  })
})
afterAll(() => db.drop())

function routeWith(sealer: Sealer) {
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const router = createRouter({
    tenants: db.tenants,
    sealer,
    providers: createProviders(),
    fallback: 'capture',
    onError,
  })
  return () =>
    router.route({
      tenantId,
      mode: 'live',
      connectionId: null,
      connectionsVersion: 0,
      poolVersion: 0,
      messageId: newId(),
      stream: 'transactional',
      tags: [],
      fromAddress: 'a@acme.example',
      recipients: [],
    })
}

test('a database error while a connection is opened moves the message to no other connection, and the query is repeated', async () => {
  let isDown = true
  const query = () => Promise.reject(new Error('connection lost'))
  const flaky: Tenants = {
    ...db.tenants,
    forTenant: (id) => ({ ...db.tenants.forTenant(id), ...(isDown && { query }) }),
  }
  const route = routeWith(createSealer({ tenants: flaky, root }))
  await expect(route()).rejects.toThrow('connection lost')
  isDown = false
  expect(await route()).toMatchObject({ kind: 'candidates', candidates: [{ provider: { id: 'smtp' } }] })
})

test('a connection whose credentials do not open holds the message: no fallback sends it', async () => {
  const route = routeWith(createSealer({ tenants: db.tenants, root: createSecretKey(randomBytes(32)) }))
  expect(await route()).toMatchObject({ kind: 'none' })
})
