import { expect, test } from 'vitest'
import { displayOf, isWellFormedKey, makeKey } from './key-format.ts'

test('a key of each mode has its prefix, 43 random characters and a checksum that holds', () => {
  for (const mode of ['live', 'test', 'admin'] as const) {
    const key = makeKey(mode)
    expect(key).toMatch(new RegExp(`^lg_${mode}_[0-9A-Za-z]{49}$`))
    expect(isWellFormedKey(key)).toBe(true)
  }
})

test('no two keys are alike', () => {
  expect(new Set(Array.from({ length: 1_000 }, () => makeKey('live'))).size).toBe(1_000)
})

test('any single changed character breaks the checksum', () => {
  const key = makeKey('test')
  for (let i = 0; i < key.length; i++) {
    const changed = key[i] === 'a' ? 'b' : 'a'
    expect(isWellFormedKey(`${key.slice(0, i)}${changed}${key.slice(i + 1)}`), `at ${i}`).toBe(false)
  }
})

test('the checksum is the CRC32 that other languages compute, in base62', () => {
  // crc32("lg_live_" + 43 × "0") = 0x3ca55610 = 1017468432 by Python's zlib.
  expect(isWellFormedKey(`lg_live_${'0'.repeat(43)}16rC1A`)).toBe(true)
})

test('a text that only looks like a key is refused', () => {
  const key = makeKey('live')
  for (const text of ['', 'lg_live_', `${key}0`, key.slice(1), ` ${key}`, `${key}\n`, key.toUpperCase()]) {
    expect(isWellFormedKey(text), JSON.stringify(text)).toBe(false)
  }
})

test('the display of a key shows only four of its random characters', () => {
  expect(displayOf(`lg_admin_${'abcdefgh'.repeat(6)}1`)).toBe('lg_admin_abcd')
})
