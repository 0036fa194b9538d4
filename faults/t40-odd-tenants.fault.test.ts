import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { addSenders, closeSenders } from './src/fairness.ts'
import { sesConnection } from './src/gateway.ts'
import { type OddCase, placeFor } from './src/odd-cases/odd-case.ts'
import { startOddServer } from './src/odd-cases/odd-server.ts'
import { providerCases } from './src/odd-cases/provider-cases.ts'
import { routeCases } from './src/odd-cases/route-cases.ts'
import { applyOverload } from './src/overload.ts'
import type { OverloadResult } from './src/overload-client.ts'
import { percentile } from './src/percentile.ts'
import { PUBLIC_URL } from './src/provider-events.ts'
import { reportResult } from './src/report.ts'
import { announceSeed } from './src/seed.ts'
import { type Stack, startStack } from './src/stack.ts'

const P99_MS_TARGET = 250
/** As beside a long backlog (T30). */
const P99_MS_MAX = 2_000
const PER_SECOND = 40
const SECONDS = 3
/** Enough that each request is sent when it is due, beside a stall of most of a second too. */
const SOCKETS = 32
/** For mails that were accepted at the end to reach the provider. */
const SETTLE_MS = 5_000

/** Does a case again and again for as long as the others are measured. */
async function repeat(deed: () => Promise<unknown>, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await deed().catch(() => undefined)
    await sleep(20)
  }
}

/** `refused` counts requests of the others that got no 202. */
type Waits = { api: number; worker: number; n: number; refused: number }

/** Milliseconds from each 202 to the provider's ledger, once all of them are there, or after a while. */
async function waitsFor(stack: Stack, { acceptedIds, acceptedAt }: OverloadResult): Promise<number[]> {
  for (const until = performance.now() + SETTLE_MS; ; await sleep(100)) {
    const takenAt = new Map((await stack.provider.ledger()).map(({ messageId, at }) => [messageId, at]))
    const waits = acceptedIds.map((id, index) =>
      Math.max(0, (takenAt.get(id) ?? Number.POSITIVE_INFINITY) - (acceptedAt[index] ?? 0)),
    )
    if (waits.every(Number.isFinite) || performance.now() > until) return waits
  }
}

/** How long other tenants wait beside a case: for their answer, and then for their provider. Their requests come from a separate process. */
async function measure(stack: Stack, apiKey: string, deed?: () => Promise<unknown>): Promise<Waits> {
  const port = Number(new URL(stack.apiUrl).port)
  let isOver = false
  const doing = deed && repeat(deed, () => isOver)
  const load = await applyOverload({
    port,
    apiKey,
    sockets: SOCKETS,
    perSecond: PER_SECOND,
    seconds: SECONDS,
  })
  isOver = true
  const waits = await waitsFor(stack, load)
  await doing
  return {
    api: Math.round(percentile(load.acceptedMs, 99)),
    worker: percentile(waits, 99),
    n: load.sent,
    refused: load.sent - load.acceptedIds.length,
  }
}

test('T40: no valid message of one tenant, and no answer to one, stops the service of other tenants', async () => {
  announceSeed('T40')
  await using stack = await startStack({
    dailyLimit: 1_000_000,
    apiEnv: { LETTERGATE_PUBLIC_URL: PUBLIC_URL },
  })
  await using server = await startOddServer()
  const senders = await addSenders(stack, 1, sesConnection(stack.provider.url))
  const apiKey = senders[0]?.tenant.apiKey
  if (!apiKey) throw new Error('no tenant was made')
  await measure(stack, apiKey)
  const alone = await measure(stack, apiKey)
  process.stdout.write(`T40 alone: api ${alone.api} ms, worker ${alone.worker} ms\n`)
  const cases: OddCase[] = [...routeCases, ...providerCases]
  const beside: (Waits & { name: string })[] = []
  for (const { way, shape, prepare, deed } of cases) {
    const place = await placeFor(stack, server)
    await prepare?.(place)
    const waits = await measure(stack, apiKey, () => deed(place))
    process.stdout.write(
      `T40 ${way}, ${shape}: api ${waits.api} ms, worker ${waits.worker} ms, ${waits.refused} refused\n`,
    )
    beside.push({ ...waits, name: `${way}: ${shape}` })
  }
  closeSenders(senders)
  const [api, worker] = [
    Math.max(...beside.map((waits) => waits.api)),
    Math.max(...beside.map((waits) => waits.worker)),
  ]
  expect(beside.filter(({ refused }) => refused > 0)).toEqual([])
  const longerThan = (ms: number) => beside.filter((waits) => Math.max(waits.api, waits.worker) > ms)
  expect(longerThan(P99_MS_MAX)).toEqual([])
  const late = longerThan(P99_MS_TARGET).length
  const missed = late > 0 ? `**target missed** in ${late} of ${beside.length} ways: ` : ''
  reportResult({
    test: 'T40',
    fault: `one tenant sends, reads and is answered what is as large or as odd as it may be, in ${cases.length} ways`,
    n: beside.reduce((sum, { n }) => sum + n, 0),
    result: `${missed}p99 of the others at worst ${api} ms to the answer and ${worker} ms to the provider; ${alone.api} and ${alone.worker} ms alone`,
    bound: `nobody else refused, p99 ≤ ${P99_MS_MAX} ms each; target: p99 ≤ ${P99_MS_TARGET} ms`,
  })
}, 300_000)
