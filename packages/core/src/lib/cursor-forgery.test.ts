import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCursor, writeCursor } from './cursor.ts'

const key = { sign: createSecretKey(Buffer.alloc(32, 1)) }
const scope = fc.array(fc.option(fc.string({ maxLength: 10 })), { minLength: 1, maxLength: 4 })
const invalid = expect.objectContaining({ code: 'cursor-invalid' })

test('every text that is no cursor is refused as an invalid cursor, and no other error is thrown', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.base64String(),
    fc.stringMatching(/^[\w-]{0,120}$/),
  )
  fc.assert(
    fc.property(scope, text, (whose, cursor) => {
      expect(() => readCursor(key, whose, cursor)).toThrow(invalid)
    }),
    { numRuns: 1_000 },
  )
})

test('a cursor works only for its own list, and not with one changed character', () => {
  const change = fc.tuple(fc.nat(), fc.constantFrom(...'AaZz09-_=%'))
  fc.assert(
    fc.property(scope, scope, change, fc.uuid(), (mine, other, [at, letter], position) => {
      const cursor = writeCursor(key, mine, position)
      if (JSON.stringify(other) !== JSON.stringify(mine))
        expect(() => readCursor(key, other, cursor)).toThrow(invalid)
      const index = at % cursor.length
      const changed = cursor.slice(0, index) + letter + cursor.slice(index + 1)
      if (changed !== cursor) expect(() => readCursor(key, mine, changed)).toThrow(invalid)
    }),
    { numRuns: 1_000 },
  )
})
