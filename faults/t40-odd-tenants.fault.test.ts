import { setTimeout as sleep } from 'node:timers/promises'
import { addSenders, closeSenders, waitsOf } from '@lettergate/faults/fairness'
import { sesConnection } from '@lettergate/faults/gateway'
import { type OddCase, placeFor } from '@lettergate/faults/odd-cases/odd-case'
import { startOddServer } from '@lettergate/faults/odd-cases/odd-server'
import { providerCases } from '@lettergate/faults/odd-cases/provider-cases'
import { routeCases } from '@lettergate/faults/odd-cases/route-cases'
import { loadDuring } from '@lettergate/faults/paced-load'
import { percentile } from '@lettergate/faults/percentile'
import { reportResult } from '@lettergate/faults/report'
import { announceSeed } from '@lettergate/faults/seed'
import { type Stack, startStack } from '@lettergate/faults/stack'
import { expect, test } from 'vitest'

const P99_MS_MAX = 250
const PER_SECOND = 40
const MEASURED_MS = 4_000

/** Does a case again and again for as long as the others are measured. */
async function repeat(deed: () => Promise<unknown>, until: number): Promise<void> {
  while (performance.now() < until) {
    await deed().catch(() => undefined)
    await sleep(20)
  }
}

type Waits = { api: number; worker: number; n: number }

/** How long the others wait beside a deed: for their answer, and from then on for their provider. */
async function measure(
  stack: Stack,
  client: Stack['client'],
  prefix: string,
  deed?: () => Promise<unknown>,
): Promise<Waits> {
  const until = performance.now() + MEASURED_MS
  const answers = await loadDuring(client, { perSecond: PER_SECOND, prefix }, () =>
    deed ? repeat(deed, until) : sleep(MEASURED_MS),
  )
  await sleep(500)
  const requests = answers.map(({ request }) => request)
  const waits = await waitsOf(requests, stack.provider)
  expect(waits.length, `${prefix}: everything is accepted`).toBe(answers.length)
  const api = percentile(
    answers.map(({ tookMs }) => tookMs),
    99,
  )
  return { api, worker: percentile(waits, 99), n: answers.length }
}

test('T40: whatever legal thing one tenant sends or is answered, the others wait 250 ms at most', async () => {
  announceSeed('T40')
  await using stack = await startStack({ dailyLimit: 1_000_000 })
  await using server = await startOddServer()
  const senders = await addSenders(stack, 1, sesConnection(stack.provider.url))
  const client = senders[0]?.client
  if (!client) throw new Error('no tenant was made')
  await measure(stack, client, 'warm-up')
  const alone = await measure(stack, client, 'alone')
  const cases: OddCase[] = [...routeCases, ...providerCases]
  const beside: (Waits & { name: string })[] = []
  for (const [at, { way, shape, prepare, deed }] of cases.entries()) {
    const place = await placeFor(stack, server)
    await prepare?.(place)
    const waits = await measure(stack, client, `case ${at}`, () => deed(place))
    process.stdout.write(`T40 ${way}, ${shape}: api ${waits.api} ms, worker ${waits.worker} ms\n`)
    beside.push({ ...waits, name: `${way}: ${shape}` })
  }
  closeSenders(senders)
  const [api, worker] = [
    Math.max(...beside.map((waits) => waits.api)),
    Math.max(...beside.map((waits) => waits.worker)),
  ]
  expect(beside.filter((waits) => Math.max(waits.api, waits.worker) > P99_MS_MAX)).toEqual([])
  reportResult({
    test: 'T40',
    fault: `one tenant sends, reads and is answered what is as large or as odd as it may be, in ${cases.length} ways`,
    n: beside.reduce((sum, { n }) => sum + n, 0),
    result: `p99 of the others at worst ${api} ms to the answer and ${worker} ms to the provider; ${alone.api} and ${alone.worker} ms alone`,
    bound: `p99 ≤ ${P99_MS_MAX} ms each`,
  })
}, 300_000)
