import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../test/database.ts'
import { column, rowArray } from './composite-rows.ts'

type Row = {
  id: string | null
  words: string | null
  document: string | null
  bytes: Buffer | null
  small: number | null
  whole: number | null
  big: number | null
  real: number | null
  at: Date | null
  tags: string[] | null
  places: number[] | null
}

const toArray = rowArray<Row>('test_row', [
  column('uuid', (row) => row.id),
  column('text', (row) => row.words),
  column('json', (row) => row.document),
  column('bytea', (row) => row.bytes),
  column('int2', (row) => row.small),
  column('int4', (row) => row.whole),
  column('int8', (row) => row.big),
  column('float8', (row) => row.real),
  column('timestamptz', (row) => row.at),
  column('text[]', (row) => row.tags),
  column('int2[]', (row) => row.places),
])

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
  await db.pool.query({
    text: `create type test_row as (id uuid, words text, document json, bytes bytea, small int2, whole int4, big int8, real float8,
                                    at timestamptz, tags text[], places int2[])`,
  })
})
afterAll(() => db.drop())

async function back(rows: Row[]): Promise<Row[]> {
  const answer = await db.pool.query<Row>({
    text: `select id, words, document::text as document, bytes, small, whole, big, real, at, tags, to_json(places) as places
           from unnest($1::test_row[])`,
    values: [await toArray(db.pool, rows)],
  })
  return answer.rows
}

const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed() && !value.includes('\0'))
const small = fc.integer({ min: -32768, max: 32767 })
const row: fc.Arbitrary<Row> = fc.record({
  id: fc.option(fc.uuid()),
  words: fc.option(text),
  document: fc.option(text.map((value) => JSON.stringify({ value }))),
  bytes: fc.option(fc.uint8Array().map((value) => Buffer.from(value))),
  small: fc.option(small),
  whole: fc.option(fc.integer()),
  big: fc.option(fc.maxSafeInteger()),
  real: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  at: fc.option(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })),
  tags: fc.option(fc.array(text, { maxLength: 4 })),
  places: fc.option(fc.array(small, { maxLength: 4 })),
})
/** Postgres has one zero. */
const oneZero = (value: Row): Row => ({ ...value, real: value.real === 0 ? 0 : value.real })

test('a batch of rows is read back unchanged: every type, nulls, text of any script', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 12 }), async (rows) => {
      expect((await back(rows)).map(oneZero)).toEqual(rows.map(oneZero))
    }),
    { numRuns: 60 },
  )
})

test('rows far larger than their first buffer are read back completely', async () => {
  const words = 'ä€😀'.repeat(40_000)
  const empty = { document: null, bytes: null, small: null, whole: null, big: null, real: null, at: null }
  const rows = [1, 2, 3].map(() => ({ ...empty, id: null, words, tags: null, places: null }))
  expect((await back(rows)).map((one) => one.words)).toEqual([words, words, words])
})

test('a missing type is reported, and is found after its creation', async () => {
  const later = rowArray<{ n: number }>('later_row', [column('int4', ({ n }) => n)])
  await expect(later(db.pool, [{ n: 1 }])).rejects.toThrow('run lettergate migrate')
  await db.pool.query({ text: 'create type later_row as (n int4)' })
  const { rows } = await db.pool.query({
    text: 'select n from unnest($1::later_row[])',
    values: [await later(db.pool, [{ n: 7 }])],
  })
  expect(rows).toEqual([{ n: 7 }])
})
