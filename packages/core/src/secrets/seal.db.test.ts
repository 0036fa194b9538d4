import { createSecretKey, randomBytes } from 'node:crypto'
import { newId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTenant } from '../tenants/index.ts'
import {
  createSealer,
  rewrapDataKeys,
  rootVersionOf,
  SealBroken,
  type Sealed,
  type SealedPlace,
} from './seal.ts'

const CREDENTIALS = { username: 'mailer', password: 'canary-password' }
const root = createSecretKey(randomBytes(32))
let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

function buildSealer(given = root) {
  return createSealer({ tenants: database.tenants, root: given })
}

async function buildPlace(): Promise<SealedPlace> {
  const { tenantId } = await createTenant(
    { operator: database.operator, pepper: root },
    { name: 'Acme', plan: 'free' },
  )
  return { tenantId, table: 'connection', id: newId() }
}

async function buildSealed(): Promise<{ place: SealedPlace; value: Sealed }> {
  const place = await buildPlace()
  return { place, value: await buildSealer().sealJson(place, CREDENTIALS) }
}

test('a sealed value opens again, in another process too', async () => {
  const { place, value } = await buildSealed()
  expect(await buildSealer().unsealJson(place, value)).toEqual(CREDENTIALS)
})

test('neither the sealed value nor the database shows the secret', async () => {
  const { value } = await buildSealed()
  const { rows } = await database.pool.query('select data_key::text as text from data_key')
  expect(`${value.sealed.toString('latin1')}${rows.map((row) => row.text).join()}`).not.toContain('canary')
})

test('the same secret never seals to the same bytes', async () => {
  const { place, value } = await buildSealed()
  const again = await buildSealer().sealJson(place, CREDENTIALS)
  expect(again.sealed.equals(value.sealed)).toBe(false)
})

test('a value copied to another row of the same tenant does not open', async () => {
  const { place, value } = await buildSealed()
  await expect(buildSealer().unsealJson({ ...place, id: newId() }, value)).rejects.toThrow(SealBroken)
})

test('a value copied to another tenant does not open, even with the data key copied along', async () => {
  const { place, value } = await buildSealed()
  const other = await buildPlace()
  await database.pool.query({
    text: 'insert into data_key select $2, version, root_version, wrapped from data_key where tenant_id = $1',
    values: [place.tenantId, other.tenantId],
  })
  const moved = { ...place, tenantId: other.tenantId }
  await expect(buildSealer().unsealJson(moved, value)).rejects.toThrow(SealBroken)
})

test('a shortened tag, a changed byte or a foreign format does not open', async () => {
  const { place, value } = await buildSealed()
  const { unsealJson } = buildSealer()
  const cut = Buffer.concat([value.sealed.subarray(0, 13 + 4), value.sealed.subarray(13 + 16)])
  for (const sealed of [cut, Buffer.alloc(0), Buffer.alloc(40, 1), value.sealed.subarray(0, 20)]) {
    await expect(unsealJson(place, { ...value, sealed })).rejects.toThrow(SealBroken)
  }
  for (let i = 0; i < value.sealed.length; i++) {
    const sealed = Buffer.from(value.sealed)
    sealed.writeUInt8(sealed.readUInt8(i) ^ 1, i)
    await expect(unsealJson(place, { ...value, sealed }), `byte ${i}`).rejects.toThrow(SealBroken)
  }
})

test('a value does not open under another version of the data key', async () => {
  const { place, value } = await buildSealed()
  await expect(buildSealer().unsealJson(place, { ...value, dataKeyVersion: 2 })).rejects.toThrow(SealBroken)
})

test('processes that seal first for a tenant at the same moment agree on one data key', async () => {
  const place = await buildPlace()
  const values = await Promise.all(Array.from({ length: 8 }, (_, i) => buildSealer().sealJson(place, { i })))
  const opened = await Promise.all(values.map((value) => buildSealer().unsealJson(place, value)))
  expect(opened).toEqual(Array.from({ length: 8 }, (_, i) => ({ i })))
})

test('another root key opens nothing; after the rewrap it opens everything and the old one is not needed', async () => {
  const { place, value } = await buildSealed()
  const next = createSecretKey(randomBytes(32))
  await expect(buildSealer(next).unsealJson(place, value)).rejects.toThrow(SealBroken)
  const first = await rewrapDataKeys(database.pool, { from: root, to: next })
  expect(first.rewrapped).toBeGreaterThan(0)
  expect(await buildSealer(next).unsealJson(place, value)).toEqual(CREDENTIALS)
  await expect(buildSealer().unsealJson(place, value)).rejects.toThrow(SealBroken)
  const back = await rewrapDataKeys(database.pool, { from: next, to: root })
  expect(back).toEqual({ rewrapped: first.rewrapped, broken: 0 })
})

test('during a change of the root key both keys open, new data keys use the newer one, and then the old one can be removed', async () => {
  const { place, value } = await buildSealed()
  const next = createSecretKey(randomBytes(32))
  const both = () => createSealer({ tenants: database.tenants, root: next, previous: root })
  // Processes are replaced one by one: one of the time before knows the next key beforehand.
  const notYet = createSealer({ tenants: database.tenants, root, previous: next })
  expect(await both().unsealJson(place, value)).toEqual(CREDENTIALS)
  const fresh = await buildPlace()
  const made = await both().sealJson(fresh, CREDENTIALS)
  expect(await notYet.unsealJson(fresh, made)).toEqual(CREDENTIALS)
  await expect(buildSealer().unsealJson(fresh, made)).rejects.toThrow(SealBroken)
  const rewrapping = rewrapDataKeys(database.pool, { from: root, to: next })
  for (let i = 0; i < 20; i++) expect(await both().unsealJson(place, value)).toEqual(CREDENTIALS)
  await rewrapping
  expect(await notYet.unsealJson(place, value)).toEqual(CREDENTIALS)
  expect(await buildSealer(next).unsealJson(place, value)).toEqual(CREDENTIALS)
  expect(await buildSealer(next).unsealJson(fresh, made)).toEqual(CREDENTIALS)
  await rewrapDataKeys(database.pool, { from: next, to: root })
})

test('a data key that does not open does not stop the rewrap of others', async () => {
  const [broken, good] = [await buildSealed(), await buildSealed()]
  const next = createSecretKey(randomBytes(32))
  await database.pool.query({
    text: "update data_key set wrapped = '\\x00' where tenant_id = $1",
    values: [broken.place.tenantId],
  })
  expect((await rewrapDataKeys(database.pool, { from: root, to: next })).broken).toBeGreaterThan(0)
  expect(await buildSealer(next).unsealJson(good.place, good.value)).toEqual(CREDENTIALS)
  await rewrapDataKeys(database.pool, { from: next, to: root })
})

test('root keys have distinct, stable numbers', () => {
  expect(rootVersionOf(root)).toBe(rootVersionOf(createSecretKey(root.export())))
  expect(rootVersionOf(root)).not.toBe(rootVersionOf(createSecretKey(randomBytes(32))))
})

test('an error names the place, never the value', async () => {
  const { place, value } = await buildSealed()
  const broken = await buildSealer()
    .unsealJson({ ...place, id: newId() }, value)
    .catch((error: unknown) => error)
  expect(broken).toBeInstanceOf(SealBroken)
  expect(String(broken)).not.toContain('canary')
})
