import { expect, test } from 'vitest'
import { createRefusalLog } from './refusal-log.ts'

test('a flood of refusals is logged once a second for each code, with the number of unlogged ones', () => {
  const lines: object[] = []
  let now = 0
  const refused = createRefusalLog({ warn: (line: object) => void lines.push(line) }, () => now)
  for (const at of [0, 1, 999]) {
    now = at
    refused('storage-unavailable', { at })
  }
  refused('overloaded', { at: 999 })
  for (const at of [1_000, 2_000]) {
    now = at
    refused('storage-unavailable', { at })
  }
  expect(lines).toEqual([{ at: 0 }, { at: 999 }, { at: 1_000, untold: 2 }, { at: 2_000 }])
})
