import { expect, test } from 'vitest'
import { createFailpoint, noFailpoint } from './failpoint.ts'

/** The calls at which it acted, of this number of calls. */
function strikes(spec: string, calls: number): number[] {
  const failpoint = createFailpoint(spec)
  return Array.from({ length: calls }, (_, call) => call).filter((_call) => {
    try {
      void failpoint('here')
      return false
    } catch {
      return true
    }
  })
}

test('an unset failpoint does nothing', () => {
  expect(createFailpoint(undefined)).toBe(noFailpoint)
  expect(createFailpoint('')).toBe(noFailpoint)
})

test('the same seed acts at the same calls, another seed at other calls', () => {
  const of = (seed: number) => strikes(`here:throw:1/10;seed=${seed}`, 500)
  expect(of(7)).toEqual(of(7))
  expect(of(8)).not.toEqual(of(7))
  expect(of(7).length).toBeGreaterThan(20)
  expect(of(7).length).toBeLessThan(90)
})

test('a failpoint acts only at its name, each time unless a part is given', () => {
  expect(strikes('here:throw', 3)).toEqual([0, 1, 2])
  expect(strikes('there:throw;seed=1', 3)).toEqual([])
  expect(strikes('there:throw:1/1,here:throw:1/1', 2)).toEqual([0, 1])
})

test('an unreadable value is refused at the start', () => {
  for (const spec of ['here', 'here:explode', 'here:throw:2/3', 'here:throw;seed=x', ';seed=1'])
    expect(() => createFailpoint(spec), spec).toThrow(/failpoint/)
})

test('a failpoint for a tag acts on each message with the tag, and on no other', () => {
  const alone = createFailpoint('here:throw,there:throw:tag=other', { taggedOnly: true })
  expect(() => alone('here', ['other'])).not.toThrow()
  expect(() => alone('there', ['other'])).toThrow()
  const failpoint = createFailpoint('here:throw:tag=bad-one,there:throw:tag=other')
  expect(() => failpoint('here', ['good', 'bad-one'])).toThrow('failpoint')
  expect(failpoint('here', ['good'])).toBeUndefined()
  expect(failpoint('here')).toBeUndefined()
  expect(failpoint('there', ['bad-one'])).toBeUndefined()
})
