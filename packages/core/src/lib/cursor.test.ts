import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCursor, writeCursor } from './cursor.ts'

const key = { sign: createSecretKey(Buffer.alloc(32, 1)) }

describe('cursor', () => {
  it('gives the position to the tenant and list that it was made for', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 40 }),
        fc.array(fc.option(fc.string())),
        (position, scope) => {
          fc.pre(position.isWellFormed())
          expect(readCursor(key, scope, writeCursor(key, scope, position))).toBe(position)
        },
      ),
    )
  })

  it.each([
    ['another scope', (cursor: string) => readCursor(key, ['b', null], cursor)],
    ['the same words in other places', (cursor: string) => readCursor(key, [null, 'a'], cursor)],
    [
      'another key',
      (cursor: string) => readCursor({ sign: createSecretKey(Buffer.alloc(32, 2)) }, ['a', null], cursor),
    ],
    ['one character less', (cursor: string) => readCursor(key, ['a', null], cursor.slice(0, -1))],
    ['another spelling', (cursor: string) => readCursor(key, ['a', null], `${cursor}=`)],
    ['nothing', () => readCursor(key, ['a', null], '')],
    ['a megabyte', () => readCursor(key, ['a', null], 'A'.repeat(1_000_000))],
  ])('is refused with %s', (_, read) => {
    const cursor = writeCursor(key, ['a', null], 'position')
    expect(() => read(cursor)).toThrow(expect.objectContaining({ code: 'cursor-invalid' }))
  })

  it('from before a change of the root key works while both keys are known', () => {
    const next = { sign: createSecretKey(Buffer.alloc(32, 2)), previous: key.sign }
    const cursor = writeCursor(key, ['a'], 'position')
    expect(readCursor(next, ['a'], cursor)).toBe('position')
    expect(readCursor({ ...key, previous: next.sign }, ['a'], writeCursor(next, ['a'], 'on'))).toBe('on')
    expect(() => readCursor({ sign: next.sign }, ['a'], cursor)).toThrow()
  })
})
