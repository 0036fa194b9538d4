import { expect } from 'vitest'
import type { Verdict } from './oracle.ts'
import type { Stack } from './stack.ts'

/** Nothing lost, nothing twice; only messages in progress when a worker died are unknown, with a reason. */
export async function expectHeld(stack: Stack, verdict: Verdict, count: number): Promise<string> {
  expect({ ...verdict, unknown: [] }).toEqual({
    lost: [],
    repeated: [],
    unknown: [],
    overQuota: [],
    stuck: [],
  })
  expect(verdict.unknown.filter(({ id }) => !stack.inFlightAtDeaths.has(id))).toEqual([])
  const unexplained = "select 1 from recipient where status = 'unknown' and reason is null"
  expect((await stack.pool.query({ text: unexplained })).rowCount).toBe(0)
  const taken = verdict.unknown.filter((one) => one.taken).length
  expect(await stack.provider.count()).toBe(count - verdict.unknown.length + taken)
  return `0 lost, 0 repeats, ${verdict.unknown.length} unknown (${taken} taken) of ${stack.inFlightAtDeaths.size} in flight`
}
