import { expect, test } from 'vitest'
import { count, mustOpen, NO_TALLY } from './circuit-breaker.ts'

/** `+` a call that worked, `-` one that failed, `.` five seconds that pass. */
function opensAfter(calls: string): boolean {
  let tally = NO_TALLY
  let now = 1_000_000
  for (const call of calls) {
    if (call === '.') now += 5_000
    else tally = count(tally, call === '-', now)
  }
  return mustOpen(tally)
}

test.each([
  ['nothing', '', false],
  ['four failures', '----', false],
  ['five failures in a row', '-----', true],
  ['five failures in a row, far apart', '-.......-.......-.......-.......-', true],
  ['a success between', '----+----', false],
  ['half of nineteen', '+-+-+-+-+-+-+-+-+-+', false],
  ['half of twenty, and the last one failed', '+-+-+-+-+-+-+-+-+-+-', true],
  ['half of twenty, but the last one worked', '-+-+-+-+-+-+-+-+-+-+', false],
  ['less than half of many', '++-++-++-++-++-++-++-++-', false],
  ['failures that are over thirty seconds old', '-+-+-+-+-+-+-+-+-+.......+-', false],
])('%s', (_, calls, opens) => {
  expect(opensAfter(calls)).toBe(opens)
})
