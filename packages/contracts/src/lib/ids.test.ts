import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createIdSource, fromPublicId, newId, toPublicId, uuidAtTime, uuidTime } from './ids.ts'

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Any 128 bits, not only those of version 7. */
const anyUuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5'),
)

describe('newId', () => {
  test('is a UUIDv7 of the present millisecond', () => {
    const before = Date.now()
    const id = newId()
    expect(id).toMatch(uuidV7)
    expect(uuidTime(id).getTime()).toBeGreaterThanOrEqual(before)
    expect(uuidTime(id).getTime()).toBeLessThanOrEqual(Date.now())
  })

  test('rises strictly, also when the clock jumps', () => {
    const clock = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(clock, (steps) => {
        let time = 1_800_000_000_000
        let step = 0
        const next = createIdSource(() => {
          time += steps[step++ % steps.length] ?? 0
          return time
        })
        const ids = Array.from({ length: 300 }, next)
        expect(ids).toEqual([...new Set(ids)].sort())
        for (const id of ids) expect(id).toMatch(uuidV7)
      }),
      { numRuns: 50 },
    )
  })

  test('rises strictly past the 4,096 ids of one millisecond', () => {
    const next = createIdSource(() => 1_800_000_000_000)
    const ids = Array.from({ length: 10_000 }, next)
    expect(new Set(ids).size).toBe(10_000)
    expect(ids.toSorted()).toEqual(ids)
  })
})

describe('public ids', () => {
  test('return the uuid that they were made from', () => {
    fc.assert(fc.property(anyUuid, (uuid) => fromPublicId('msg', toPublicId('msg', uuid)) === uuid))
  })

  test('sort as their uuids do', () => {
    fc.assert(
      fc.property(anyUuid, anyUuid, (a, b) => {
        expect(toPublicId('msg', a) < toPublicId('msg', b)).toBe(a < b)
      }),
    )
  })

  test('are read only in the spelling that is written', () => {
    const text = fc.oneof(
      fc.string({ minLength: 26, maxLength: 26 }),
      fc.stringMatching(/^[0-9a-zA-Z]{26}$/),
      fc.string(),
    )
    fc.assert(
      fc.property(text, (body) => {
        const uuid = fromPublicId('msg', `msg_${body}`)
        expect(uuid === null || toPublicId('msg', uuid) === `msg_${body}`).toBe(true)
      }),
    )
  })

  test('a published pair of id and uuid stays the same', () => {
    expect(toPublicId('con', '01a1f8a2-fa5c-706f-82d0-fc0c3f14a58c')).toBe('con_01m7wa5yjwe1qr5m7w1gzh99cc')
  })

  test.each([
    ['another prefix', 'con_01m7wa5yjwe1qr5m7w1gzh99cc'],
    ['no prefix', '01m7wa5yjwe1qr5m7w1gzh99cc'],
    ['one character less', 'msg_01m7wa5yjwe1qr5m7w1gzh99c'],
    ['one character more', 'msg_01m7wa5yjwe1qr5m7w1gzh99cc0'],
    ['upper case', 'msg_01M7WA5YJWE1QR5M7W1GZH99CC'],
    ['a letter outside the alphabet', 'msg_01m7wa5yjwe1qr5m7w1gzh99cu'],
    ['129 bits', 'msg_8zzzzzzzzzzzzzzzzzzzzzzzzz'],
    ['a character above 127', 'msg_01m7wa5yjwe1qr5m7w1gzh99cé'],
    ['a uuid', '01a1f8a2-fa5c-706f-82d0-fc0c3f14a58c'],
    ['white space', ' msg_01m7wa5yjwe1qr5m7w1gzh99cc'],
  ])('%s is refused', (_, text) => {
    expect(fromPublicId('msg', text)).toBeNull()
  })

  test('a text that is no uuid is refused', () => {
    expect(() => toPublicId('msg', '01a1f8a2fa5c706f82d0fc0c3f14a58c')).toThrow(TypeError)
  })
})

test('uuidAtTime is the lowest id of its millisecond', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 2 }), (time) => {
      const id = createIdSource(() => time)()
      expect(uuidAtTime(new Date(time)) <= id).toBe(true)
      expect(id < uuidAtTime(new Date(time + 1))).toBe(true)
    }),
  )
})
