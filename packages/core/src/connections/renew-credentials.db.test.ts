import { createSecretKey, randomBytes } from 'node:crypto'
import { newId } from '@lettergate/contracts/lib/ids'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { Secret } from '@lettergate/providers/lib/secret'
import type { Provider } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildConnection, buildTenant, storeCredentials } from '../../test/rows.ts'
import { createSealer, rewrapDataKeys } from '../secrets/index.ts'
import { createCredentialRenewer } from './renew-credentials.ts'
import { deleteConnectionRow } from './sql/delete-connection.ts'
import { readSealedConnection } from './sql/read-sealed.ts'

const root = createSecretKey(randomBytes(32))
const credentials = { client_id: 'app-1', client_secret: 'secret-1', refresh_token: 'refresh-1' }
const { microsoft365, smtp } = createProviders()
let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

type Statement = { name?: string | undefined }

/** A connection with these credentials, and a process that receives renewed secrets. */
async function setUp(
  options: { provider?: Provider; stored?: object; before?(statement: Statement): Promise<void> } = {},
) {
  const { provider = microsoft365, stored = credentials, before } = options
  const tenantId = await buildTenant(db.pool)
  const place = { tenantId, table: 'connection', id: newId() } as const
  const { id } = place
  const sealer = createSealer({ tenants: db.tenants, root })
  const { sealed, dataKeyVersion } = await sealer.sealJson(place, stored)
  const row = { tenantId, id, provider: provider.id, name: 'x', priority: 1, settings: {} }
  await buildConnection(db.pool, { ...row, sealedCredentials: sealed, dataKeyVersion })
  const tenants: Tenants = {
    ...db.tenants,
    forTenant(tenant) {
      const real = db.tenants.forTenant(tenant)
      return {
        ...real,
        query: async (statement) => {
          await before?.(statement)
          return real.query(statement)
        },
      }
    },
  }
  const errors: unknown[] = []
  const renewer = createCredentialRenewer({ tenants, sealer, onError: (error) => errors.push(error) })
  const owner = { tenantId, connectionId: id, provider }
  return {
    tenantId,
    id,
    place,
    sealer,
    errors,
    owner,
    async keep(old: string, fresh: string, other: Partial<typeof owner> = {}) {
      renewer.renew({ ...owner, ...other }, new Secret(old), new Secret(fresh))
      await renewer.drain()
    },
    /** The stored credentials, as another process opens them. */
    async opened(by = root) {
      const there = await readSealedConnection(db.tenants.forTenant(tenantId), tenantId, id)
      if (!there) return null
      const value = { sealed: there.sealedCredentials, dataKeyVersion: there.dataKeyVersion }
      return createSealer({ tenants: db.tenants, root: by }).unsealJson(place, value)
    },
    async row() {
      const { rows } = await db.pool.query<Record<string, unknown> & { bytes: string }>({
        text: `select c.updated_at, c.credentials_rotated_at, t.connections_version, encode(c.sealed_credentials, 'escape') as bytes
               from connection c join tenant t on t.id = c.tenant_id where c.id = $1`,
        values: [id],
      })
      return rows[0]
    },
  }
}

test.each([
  ['beside others', microsoft365, credentials, { ...credentials, refresh_token: 'refresh-2' }],
  [
    'at any depth',
    smtp,
    { username: 'me@example.com', oauth2: { client_id: 'a', refresh_token: 'refresh-1' } },
    { username: 'me@example.com', oauth2: { client_id: 'a', refresh_token: 'refresh-2' } },
  ],
])('a new secret replaces the old one %s, for every process', async (_, provider, stored, then) => {
  const { keep, opened, errors } = await setUp({ provider, stored })
  await keep('refresh-1', 'refresh-2')
  expect(await opened()).toEqual(then)
  expect(errors).toEqual([])
})

test('a new secret is stored sealed, and changes neither the version of the connections nor a visible time', async () => {
  const { keep, row } = await setUp()
  const before = await row()
  await keep('refresh-1', 'refresh-2')
  const after = await row()
  expect(after?.bytes).not.toBe(before?.bytes)
  expect(after?.bytes).not.toMatch(/refresh/)
  expect({ ...after, bytes: '' }).toEqual({ ...before, bytes: '' })
})

test('credentials that a client has stored meanwhile are not replaced', async () => {
  const { keep, opened, row, tenantId, id, place, sealer } = await setUp()
  const others = { ...credentials, refresh_token: 'refresh-of-the-client' }
  await storeCredentials(db.pool, tenantId, id, await sealer.sealJson(place, others))
  const before = await row()
  await keep('refresh-1', 'refresh-2')
  expect(await opened()).toEqual(others)
  expect(await row()).toEqual(before)
})

test('a client that stores credentials during the renewal wins', async () => {
  const others = { ...credentials, client_secret: 'of-the-client' }
  let rotate = async () => {}
  const { keep, opened, tenantId, id, place, sealer, errors } = await setUp({
    before: async ({ name }) => {
      if (name === 'renew-credentials') await rotate()
    },
  })
  rotate = async () => {
    await storeCredentials(db.pool, tenantId, id, await sealer.sealJson(place, others))
  }
  await keep('refresh-1', 'refresh-2')
  expect(await opened()).toEqual(others)
  expect(errors).toEqual([])
})

test('of many simultaneous renewals one is stored completely, and the others are dropped without an error', async () => {
  const { keep, opened, errors } = await setUp()
  const fresh = Array.from({ length: 8 }, (_, index) => `refresh-of-${index}`)
  await Promise.all(fresh.map((token) => keep('refresh-1', token)))
  const token = expect.toSatisfy((value: string) => fresh.includes(value))
  expect(await opened()).toEqual({ ...credentials, refresh_token: token })
  expect(errors).toEqual([])
})

test('a root key that is changed during the renewal opens the stored secret', async () => {
  const next = createSecretKey(randomBytes(32))
  let isChanged = false
  const { keep, opened } = await setUp({
    before: async ({ name }) => {
      if (name !== 'renew-credentials') return
      await rewrapDataKeys(db.pool, { from: root, to: next })
      isChanged = true
    },
  })
  await keep('refresh-1', 'refresh-2')
  expect(isChanged).toBe(true)
  expect(await opened(next)).toMatchObject({ refresh_token: 'refresh-2' })
  await rewrapDataKeys(db.pool, { from: next, to: root })
})

test("another tenant's connection is not changed", async () => {
  const { keep, opened } = await setUp()
  await keep('refresh-1', 'refresh-2', { tenantId: await buildTenant(db.pool) })
  expect(await opened()).toEqual(credentials)
})

test('a deleted connection stays deleted', async () => {
  const { keep, opened, errors, tenantId, id } = await setUp()
  await deleteConnectionRow(db.pool, tenantId, id)
  await keep('refresh-1', 'refresh-2')
  expect(await opened()).toBeNull()
  expect(errors).toEqual([])
})

test('credentials that the provider would not accept are not stored, and the error shows no secret', async () => {
  const { keep, opened, errors } = await setUp()
  await keep('refresh-1', 'refresh\r\n2')
  expect(await opened()).toEqual(credentials)
  expect(String(errors)).toMatch(/does not fit/)
  expect(String(errors)).not.toMatch(/refresh/)
})

test.each(['read-sealed', 'renew-credentials'])(
  'a database that fails at %s is reported, and the stored credentials stay',
  async (failing) => {
    const { keep, opened, errors } = await setUp({
      before: async ({ name }) => {
        if (name === failing) throw new Error('connection lost')
      },
    })
    await keep('refresh-1', 'refresh-2')
    expect(await opened()).toEqual(credentials)
    expect(String(errors)).toMatch(/connection lost/)
  },
)
