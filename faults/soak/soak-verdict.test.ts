import { expect, test } from 'vitest'
import { recoveryMsMax } from './soak-verdict.ts'

test.each([
  ['Lettergate itself was hit', 0, 30_000],
  ['what it depends on was away for so short that 30 s are enough for what piled up', 15_000, 30_000],
  ['Postgres took longer than that for its own log', 31_000, 62_000],
])('a recovery may take 30 s, and longer only for what piled up: %s', (_, awayMs, mostMs) => {
  expect(recoveryMsMax({ awayMs })).toBe(mostMs)
})
