import { expect } from 'vitest'
import { hurryRetries } from './hurry-retries.ts'
import { percentile } from './percentile.ts'
import { waitUntil } from './ports.ts'
import type { Stack } from './stack.ts'

/** The target of the first waits between attempts; ±20 %, so that messages which failed together are not retried together. */
const GAPS_S = [60, 120, 300]
const JITTER = 0.2

/** Seconds from the end of each attempt to the next one, for messages that wait after this number of attempts. */
async function readGaps({ pool }: Stack, attempts: number): Promise<number[]> {
  const { rows } = await pool.query<{ gap: number }>({
    text: `select extract(epoch from o.due_at - a.finished_at)::float8 as gap
           from outbox o join attempt a on a.message_id = o.message_id and a.number = o.attempts
           where o.state = 'waiting' and o.attempts = $1`,
    values: [attempts],
  })
  return rows.map(({ gap }) => gap)
}

/** The waits of this number of mails after failures of a provider, attempt after attempt. */
export async function measureGaps(stack: Stack, count: number): Promise<number[][]> {
  const gaps: number[][] = []
  for (let attempt = 1; attempt <= GAPS_S.length; attempt++) {
    if (attempt > 1) await hurryRetries(stack.pool)
    const allWait = async () => (await readGaps(stack, attempt)).length === count
    await waitUntil(`${count} failures of try ${attempt}`, 30_000, allWait, 200)
    gaps.push(await readGaps(stack, attempt))
  }
  return gaps
}

/** The largest part of them that falls into one second. */
function mostTogether(gaps: number[]): number {
  const counts = [...Map.groupBy(gaps, Math.floor).values()].map(({ length }) => length)
  return Math.max(...counts) / gaps.length
}

/** They grow, and are spread; answers how they came out. */
export function expectGapsToGrow(gaps: readonly number[][]): string {
  for (const [at, base] of GAPS_S.entries()) {
    const tried = gaps[at] ?? []
    expect(Math.min(...tried)).toBeGreaterThanOrEqual(base * (1 - JITTER) - 1)
    expect(Math.max(...tried)).toBeLessThanOrEqual(base * (1 + JITTER) + 1)
    expect(mostTogether(tried)).toBeLessThan(0.25)
  }
  const medians = gaps.map((tried) => `${Math.round(percentile(tried, 50))} s`).join(', ')
  const together = Math.round(Math.max(...gaps.map(mostTogether)) * 100)
  return `waits of ${medians} in the median, at most ${together} % of them in one second`
}
