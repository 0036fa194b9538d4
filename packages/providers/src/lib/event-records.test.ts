import { expect, test } from 'vitest'
import { objectIn, readRecord, readRecords } from './event-records.ts'

const steps = (text: string) => [...readRecords(Buffer.from(text))]
const read = (text: string) => ({
  records: steps(text).flatMap(({ records }) => records),
  unread: steps(text).reduce((sum, { unread }) => sum + unread, 0),
})

test('an array is read record by record, and one object is one record', () => {
  expect(read(' [ {"a":1} , {"b":[1,{"c":"],}"}]} ] \r\n')).toEqual({
    records: [{ a: 1 }, { b: [1, { c: '],}' }] }],
    unread: 0,
  })
  expect(read('{"a":"\\\\\\"}"}')).toEqual({ records: [{ a: '\\"}' }], unread: 0 })
  expect(read('[{"a":"\\\\\\"},{"},{"b":1}]')).toEqual({ records: [{ a: '\\"},{' }, { b: 1 }], unread: 0 })
  expect(read('[]')).toEqual({ records: [], unread: 0 })
})

test('records that are broken, too wide, too deep or no objects do not affect other records', () => {
  const wide = `{"x":[${'1,'.repeat(2_100)}1]}`
  const deep = `{"x":${'['.repeat(40)}${']'.repeat(40)}}`
  const broken = '{"x":truu}'
  expect(read(`[{"a":1},${wide},${deep},${broken},7,null,[],{"b":2}]`)).toEqual({
    records: [{ a: 1 }, { b: 2 }],
    unread: 6,
  })
})

test('a long list is read whole, a step of it at a time', () => {
  const record = { tags: Array<number>(200).fill(1) }
  const text = JSON.stringify(Array(5_000).fill(record))
  expect(read(text)).toEqual({ records: Array(5_000).fill(record), unread: 0 })
  expect(Math.max(...steps(text).map(({ records }) => records.length))).toBeLessThan(500)
})

test.each(['', '1', '"x"', '[', '[{"a":1}', '{"a":1}]', '[{"a":1},', `[${'{},'.repeat(6_000)}{}]`])(
  'a body that is no list, has no end, or is too large is refused completely: %#',
  (text) => {
    expect(read(text)).toEqual({ records: [], unread: 1 })
  },
)

test('a single record is read, and two records or a list with two are refused', () => {
  expect(readRecord(Buffer.from('{"a":1}'))).toEqual({ a: 1 })
  expect(readRecord(Buffer.from('{"a":1},{"a":2}'))).toBeUndefined()
  expect(readRecord(Buffer.from('[{"a":1},{"a":2}]'))).toBeUndefined()
})

test('a member that is no object reads as an empty one', () => {
  expect([objectIn(null), objectIn([1]), objectIn('x'), objectIn({ a: 1 })]).toEqual([{}, {}, {}, { a: 1 }])
})

test('a record with the key __proto__ changes no prototype', () => {
  const { records } = read('[{"__proto__":{"polluted":true}}]')
  expect(objectIn(records[0]).polluted).toBeUndefined()
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})
