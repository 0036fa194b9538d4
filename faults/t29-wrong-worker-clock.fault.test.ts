import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { promisedIds } from './src/client-ledger.ts'
import { createSteppedClock, noFaketime, type SteppedClock } from './src/faketime.ts'
import { startPart } from './src/gateway.ts'
import { loadDuring, statusesOf } from './src/paced-load.ts'
import { freePort } from './src/ports.ts'
import type { ProviderEntry } from './src/provider-ledger.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'

const PER_SECOND = 50
const BEHIND_S = -3_600
const AHEAD_S = 600
const PHASE_MS = (faultsCount(500) / PER_SECOND) * 500
const SCHEDULED = 20
const SCHEDULE_MS = 8_000
const LATE_MS_MAX = 15_000
const SIGNATURE_S_MAX = 300
/** Attempts are in progress when the clock is set; fewer than the 64 concurrent calls that a connection begins with, or mail would wait for those. */
const LATENCY_MS = 1_000

if (noFaketime) process.stdout.write(`T29: skipped, ${noFaketime}\n`)

/** Attempts in progress whose lease has ended by a clock that is that far ahead. */
async function endedFor(stack: Stack, aheadSeconds: number): Promise<number> {
  const { rows } = await stack.pool.query<{ n: number }>({
    text: `select count(*)::int4 as n from outbox
           where state in ('claimed', 'sending') and lease_until < now() + $1::int4 * interval '1 s'`,
    values: [aheadSeconds],
  })
  return rows[0]?.n ?? 0
}

/** The metrics of a worker: its clock, and the number of its attempts. */
async function readWorker(port: number): Promise<{ aheadS: number; attempts: number }> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  const lines = (await response.text()).split('\n')
  const attempts = lines.filter((line) => line.startsWith('lettergate_attempts_total'))
  return {
    aheadS: (Date.parse(response.headers.get('date') ?? '') - Date.now()) / 1_000,
    attempts: attempts.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0),
  }
}

/** Seconds between a signature's date and the true time; a provider without a date counts as infinite. */
function signatureOff({ at, signedAt = '' }: ProviderEntry): number {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(signedAt) ?? []
  const [year = 0, month = 1, day, hour, minute, second] = parts.map(Number)
  return Math.abs(Date.UTC(year, month - 1, day, hour, minute, second) - at) / 1_000
}

async function workThroughStep(stack: Stack, clock: SteppedClock, port: number) {
  const before = await readWorker(port)
  await sleep(PHASE_MS)
  const ended = await endedFor(stack, AHEAD_S)
  await clock.step(AHEAD_S)
  await sleep(PHASE_MS)
  return { before, ended, after: await readWorker(port) }
}

test.skipIf(noFaketime !== null)(
  'T29: a worker whose clock is wrong, or is set while it works, takes over no lease early and sends like any other',
  async () => {
    announceSeed('T29')
    await using clock = await createSteppedClock(BEHIND_S)
    await using stack = await startStack({ dailyLimit: 1_000_000, providerLatencyMs: LATENCY_MS })
    await using cleanup = new AsyncDisposableStack()
    const port = await freePort()
    const wrong = { ...stack.env, ...clock.env, WORKER_METRICS_PORT: String(port) }
    cleanup.adopt(await startPart('worker', wrong), async (it) => void (await it.stop()))
    const sendAt = new Date(Date.now() + SCHEDULE_MS)
    await inParallel(SCHEDULED, 8, (index) =>
      stack.client.sendUntilSettled({ idempotencyKey: `later-${index}`, to: ['user@example.net'], sendAt }),
    )
    let seen: Awaited<ReturnType<typeof workThroughStep>> | undefined
    const answers = await loadDuring(stack.client, { perSecond: PER_SECOND, prefix: 't29' }, async () => {
      seen = await workThroughStep(stack, clock, port)
    })
    const { verdict } = await settle(stack, 60_000)
    const ledger = await stack.provider.ledger()
    const later = stack.ledger.requests().filter(({ idempotencyKey }) => idempotencyKey.startsWith('later'))
    const scheduled = new Set(later.flatMap((request) => [...promisedIds(request)]))
    const late = ledger
      .filter(({ messageId }) => scheduled.has(messageId ?? ''))
      .map(({ at }) => at - sendAt.getTime())
    const off = Math.max(...ledger.map(signatureOff))

    expect(seen?.before.aheadS).toBeLessThan(BEHIND_S + 60)
    expect(seen?.after.aheadS).toBeGreaterThan(AHEAD_S - 60)
    expect(seen?.after.attempts).toBeGreaterThan(0)
    expect(statusesOf(answers)).toEqual({ 202: answers.length })
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
    expect(late).toHaveLength(SCHEDULED)
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...late)).toBeLessThanOrEqual(LATE_MS_MAX)
    expect(off).toBeLessThanOrEqual(SIGNATURE_S_MAX)
    // The control: by the clock of that worker, these would have been taken from their owners and sent again.
    expect(seen?.ended).toBeGreaterThan(0)
    reportResult({
      test: 'T29',
      fault: `one of two workers ${-BEHIND_S} s behind, then set to ${AHEAD_S} s ahead while it works`,
      n: ledger.length,
      result: `0 lost, 0 repeats, 0 unknown; it made ${seen?.after.attempts} of the attempts; scheduled ones 0 to ${Math.max(...late)} ms late; signatures within ${Math.ceil(off)} s`,
      bound: `0 repeats, scheduled +≤ ${LATE_MS_MAX / 1_000} s, signatures within ${SIGNATURE_S_MAX} s`,
    })
    reportResult({
      test: 'T29 control',
      fault: "leases judged by the wrong worker's clock",
      n: ledger.length,
      result: `${seen?.ended} attempts in progress would have been taken over`,
      bound: 'must take over',
    })
  },
  120_000,
)
