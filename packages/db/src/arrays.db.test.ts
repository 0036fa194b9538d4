import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../test/database.ts'
import {
  byteaArray,
  int2Array,
  int4Array,
  int8Array,
  textArray,
  timestamptzArray,
  uuidArray,
} from './arrays.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

async function back(type: string, value: Buffer): Promise<unknown[]> {
  const { rows } = await db.pool.query<{ v: unknown[] }>({
    text: `select $1::${type}[] as v`,
    values: [value],
  })
  return rows[0]?.v ?? []
}

const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed() && !value.includes('\0'))
const nullable = <T>(value: fc.Arbitrary<T>) => fc.array(fc.option(value), { maxLength: 20 })

test('text of any script comes back as it was', async () => {
  await fc.assert(
    fc.asyncProperty(nullable(text), async (values) => {
      expect(await back('text', textArray(values))).toEqual(values)
    }),
    { numRuns: 50 },
  )
})

test.each([
  ['int2', int2Array, fc.integer({ min: -32768, max: 32767 })],
  ['int4', int4Array, fc.integer()],
  ['int8', int8Array, fc.maxSafeInteger()],
] as const)('%s comes back as it was', async (type, encode, arbitrary) => {
  await fc.assert(
    fc.asyncProperty(nullable<number>(arbitrary), async (values) => {
      const expected = values.map((value) => (value === 0 ? 0 : value))
      const received = (await back(type, encode(values))).map((value) =>
        value === null ? null : Number(value),
      )
      expect(received.map((value) => (value === 0 ? 0 : value))).toEqual(expected)
    }),
    { numRuns: 30 },
  )
})

test('bytes, uuids and times come back as they were', async () => {
  const bytes = [Buffer.from([0, 255, 10]), null, Buffer.alloc(0)]
  expect(await back('bytea', byteaArray(bytes))).toEqual(bytes)
  const uuids = ['0198c0de-0000-7000-8000-0000000000ff', null]
  expect(await back('uuid', uuidArray(uuids))).toEqual(uuids)
  const times = [new Date('2026-11-20T10:00:00.123Z'), null, new Date('1969-12-31T23:59:59.999Z')]
  expect(await back('timestamptz', timestamptzArray(times))).toEqual(times)
})

test('an empty array is an empty array', async () => {
  expect(await back('text', textArray([]))).toEqual([])
})
