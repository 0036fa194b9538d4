import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'
import type { ClientRequest } from './client-ledger.ts'

export type PacedAnswer = { request: ClientRequest; tookMs: number }

/**
 * Sends this number of requests a second while the deed runs, without waiting for answers: a gateway that stalls cannot slow
 * down the measurement. Each request is sent once; resolves when all of them have been answered.
 */
export async function loadDuring(
  client: Client,
  options: { perSecond: number; prefix: string },
  deed: () => Promise<unknown>,
): Promise<PacedAnswer[]> {
  const asked: Promise<PacedAnswer>[] = []
  const ask = async (index: number): Promise<PacedAnswer> => {
    const start = performance.now()
    const request = await client.send({
      idempotencyKey: `${options.prefix}-${index}`,
      to: ['user@example.net'],
    })
    return { request, tookMs: Math.round(performance.now() - start) }
  }
  let done = false
  const start = performance.now()
  const pace = async () => {
    while (!done) {
      const due = Math.floor(((performance.now() - start) / 1000) * options.perSecond)
      while (asked.length < due) asked.push(ask(asked.length))
      await sleep(1000 / options.perSecond)
    }
  }
  const pacing = pace()
  try {
    await deed()
  } finally {
    done = true
    await pacing
  }
  return Promise.all(asked)
}

/** The time below which that part of the answers came. */
export function percentile(answers: readonly PacedAnswer[], part: number): number {
  const sorted = answers.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0
}

/** The number of answers of each status; 0 stands for "no answer". */
export function statusesOf(answers: readonly PacedAnswer[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { request } of answers) {
    const status = request.answers.at(-1)?.status ?? 0
    counts[status] = (counts[status] ?? 0) + 1
  }
  return counts
}
