import { addSenders, closeSenders, trickle, waitsOf } from '@lettergate/faults/fairness'
import { sesConnection } from '@lettergate/faults/gateway'
import { percentile } from '@lettergate/faults/percentile'
import { waitUntil } from '@lettergate/faults/ports'
import { createRandom } from '@lettergate/faults/seed'
import { type Stack, startStack } from '@lettergate/faults/stack'
import { type PartResult, ratioFigure } from './figure.ts'
import { fillBacklog } from './fill-backlog.ts'
import { tenantUuid } from './fill-messages.ts'
import { median, spread } from './statistics.ts'
import type { TestBed } from './test-bed.ts'

const ROUNDS = 3
const TENANTS = 50
const EACH = 4
const WITHIN_MS = 3_000
const BACKLOG = 100_000
/** The time of a call to a provider; a wait ends when the mail arrives there. */
const LATENCY_MS = 100
const SEED = 30
const P99_MS_MAX = 2_000
const OVER_IDLE_MAX = 3

type Waits = { p50: number; p99: number }

/** From the 202 of a small tenant's mail to its arrival at the provider, idle and beside a tenant with 100,000 waiting. */
export async function benchFairness(bed: TestBed): Promise<PartResult> {
  const random = createRandom(SEED)
  const backlog = bed.count(BACKLOG)
  await using stack = await startStack({ dailyLimit: 1_000_000, providerLatencyMs: LATENCY_MS })
  const senders = await addSenders(stack, TENANTS, sesConnection(stack.provider.url))
  const clients = senders.map(({ client }) => client)
  const measure = async (prefix: string): Promise<Waits> => {
    const sent = await trickle(clients, { each: EACH, withinMs: WITHIN_MS, prefix, random })
    await waitUntil('the small tenants to be served', 30_000, async () =>
      (await waitsOf(sent, stack.provider)).every(Number.isFinite),
    )
    const waits = await waitsOf(sent, stack.provider)
    return { p50: percentile(waits, 50), p99: percentile(waits, 99) }
  }
  await measure('warm-up')
  const [idle, busy]: [Waits[], Waits[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    idle.push(await measure(`idle-${round}`))
    await fillBacklog(stack.pool, tenantUuid(stack.tenant.tenantId), backlog)
    await untilMoving(stack)
    busy.push(await measure(`busy-${round}`))
    await takeBacklogAway(stack)
  }
  closeSenders(senders)
  return fairnessResult(idle, busy, backlog.toLocaleString('en'))
}

async function untilMoving({ provider }: Stack): Promise<void> {
  const before = await provider.count()
  await waitUntil('the backlog to move', 30_000, async () => (await provider.count()) > before + 200)
}

/** It must have outlasted the measurement, and the next round begins without it. */
async function takeBacklogAway({ pool }: Stack): Promise<void> {
  const { rowCount } = await pool.query({ text: "delete from outbox where phase <> 'held'" })
  if (!rowCount) throw new Error('the backlog was gone before the small tenants were served')
  await waitUntil('the last attempts', 30_000, async () => {
    const left = await pool.query({ text: 'select 1 from outbox limit 1' })
    return left.rowCount === 0
  })
  await pool.query({ text: 'vacuum outbox' })
}

function fairnessResult(idle: readonly Waits[], busy: readonly Waits[], backlog: string): PartResult {
  const [idleP99, busyP99] = [idle, busy].map((rounds) => rounds.map(({ p99 }) => p99)) as [
    number[],
    number[],
  ]
  const ms = (value: number) => `${Math.round(value)} ms`
  const note = `${TENANTS} tenants with ${EACH} mails each; provider ${LATENCY_MS} ms a call; rounds ${spread(busyP99, ms)} and ${spread(idleP99, ms)}`
  const bars = (name: string, pick: (waits: Waits) => number) => ({
    name,
    values: [idle, busy].map((rounds) => Math.round(median(rounds.map(pick)))),
  })
  return {
    figures: [
      ratioFigure({
        name: `p99 wait of small tenants beside a backlog of ${backlog}, over the bound`,
        ours: ms(median(busyP99)),
        reference: `bound ${ms(P99_MS_MAX)}`,
        ratio: median(busyP99) / P99_MS_MAX,
        bound: { atMost: 1 },
        note,
      }),
      ratioFigure({
        name: `p99 wait of small tenants beside a backlog of ${backlog}, over idle`,
        ours: ms(median(busyP99)),
        reference: `idle ${ms(median(idleP99))}`,
        ratio: median(busyP99) / median(idleP99),
        bound: { atMost: OVER_IDLE_MAX },
      }),
    ],
    plots: [
      {
        kind: 'bars',
        file: 'waits-of-small-tenants',
        title: 'From 202 to the provider, for 50 small tenants',
        unit: 'milliseconds',
        categories: ['no backlog', `one other tenant has ${backlog} waiting`],
        series: [bars('p50', ({ p50 }) => p50), bars('p99', ({ p99 }) => p99)],
      },
    ],
  }
}
