import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { buildConnection, buildTenant, storeCredentials } from '../../../test/rows.ts'
import { insertDataKey } from '../../secrets/index.ts'
import { readSealedConnection } from './read-sealed.ts'
import { renewCredentials } from './renew-credentials.ts'

let db: TestDatabase
let tenantId: string
let id: string
const read = { sealed: Buffer.from('as it was read'), dataKeyVersion: 1 }
const renewed = { sealed: Buffer.from('renewed'), dataKeyVersion: 1 }
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())
beforeEach(async () => {
  tenantId = await buildTenant(db.pool)
  id = newId()
  await insertDataKey(db.pool, tenantId, { version: 1, rootVersion: 1, wrapped: Buffer.from('x') })
  const row = { tenantId, id, provider: 'smtp', name: 'x', priority: 1, settings: {} }
  await buildConnection(db.pool, { ...row, sealedCredentials: read.sealed, dataKeyVersion: 1 })
})

const stored = async () =>
  (await readSealedConnection(db.tenants.forTenant(tenantId), tenantId, id))?.sealedCredentials.toString()

test('the credentials that were read are replaced, once', async () => {
  const mine = db.tenants.forTenant(tenantId)
  expect(await renewCredentials(mine, tenantId, id, { read, renewed })).toBe(true)
  expect(await stored()).toBe('renewed')
  const late = { sealed: Buffer.from('too late'), dataKeyVersion: 1 }
  expect(await renewCredentials(mine, tenantId, id, { read, renewed: late })).toBe(false)
  expect(await stored()).toBe('renewed')
})

test('the statement names the tenant, and the role sees only its tenant: each is enough', async () => {
  const other = await buildTenant(db.pool)
  expect(await renewCredentials(db.pool, other, id, { read, renewed })).toBe(false)
  expect(await renewCredentials(db.tenants.forTenant(other), tenantId, id, { read, renewed })).toBe(false)
  expect(await stored()).toBe('as it was read')
})

test('the time of the credentials stays the same until a person stores others', async () => {
  const since = async () =>
    (await readSealedConnection(db.tenants.forTenant(tenantId), tenantId, id))?.credentialsSince
  const before = await since()
  await renewCredentials(db.tenants.forTenant(tenantId), tenantId, id, { read, renewed })
  expect(await since()).toBe(before)
  await storeCredentials(db.pool, tenantId, id, renewed)
  expect(await since()).not.toBe(before)
})
