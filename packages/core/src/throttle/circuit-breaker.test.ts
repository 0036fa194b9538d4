import { expect, test } from 'vitest'
import { afterCall, count, mustOpen, NO_TALLY } from './circuit-breaker.ts'

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

const fourFailures = [1, 2, 3, 4].reduce((tally) => count(tally, true, 0), NO_TALLY)

test.each([
  ['a probe that works closes an open circuit', { isClosed: false, isProbe: true, failed: false }, 'close'],
  ['a probe that fails opens it again', { isClosed: false, isProbe: true, failed: true }, 'open'],
  ['a failure that came late moves nothing', { isClosed: false, isProbe: false, failed: true }, null],
  ['a fifth failure opens a closed circuit', { isClosed: true, isProbe: false, failed: true }, 'open'],
  ['a success moves nothing', { isClosed: true, isProbe: false, failed: false }, null],
])('%s', (_, { isClosed, ...call }, move) => {
  const after = afterCall({ isClosed, tally: fourFailures }, call, 0)
  expect(after.move).toBe(move)
  if (move === 'open') expect(after.tally).toEqual(NO_TALLY)
})
