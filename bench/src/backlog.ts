import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection, sesConnection } from '@lettergate/faults/gateway'
import { type BullmqRates, measureBullmq } from './bullmq-limit.ts'
import { type Figure, type PartResult, perSecond, ratioFigure } from './figure.ts'
import { fillBacklog } from './fill-backlog.ts'
import { tenantUuid } from './fill-messages.ts'
import { type HttpSink, startHttpSink } from './http-sink.ts'
import { median, spread } from './statistics.ts'
import type { Gateway, TestBed } from './test-bed.ts'
import { withoutIndexes } from './without-indexes.ts'

const ROUNDS = 3
const LEVELS = [1_000, 100_000, 1_000_000]
const WARM_UP_MESSAGES = 3_000
const MESSAGES = 5_000
const FEED_EVERY_MS = 20
const ROUND_MS_MAX = 60_000
const RATE_AT_MOST = 1.3

type Level = { waiting: number; gateway: Gateway; tenantId: string; rates: number[] }

/**
 * Attempts per second while 1 thousand, 100 thousand and 1 million messages wait. Each level has a database of its own and is held:
 * each sent message is replaced, at every level alike, so that only the length of the backlog differs.
 */
export async function benchBacklog(bed: TestBed): Promise<PartResult> {
  await using cleanup = new AsyncDisposableStack()
  const sink = cleanup.use(await startHttpSink())
  const levels: Level[] = []
  const start = performance.now()
  for (const level of LEVELS) {
    const waiting = level === LEVELS[0] ? level : bed.count(level)
    const gateway = cleanup.use(await bed.startGateway({ worker: false }))
    const tenant = await gateway.createTenant()
    await createConnection(gateway.apiUrl, tenant.apiKey, sesConnection(sink.url))
    const tenantId = tenantUuid(tenant.tenantId)
    await withoutIndexes(gateway.pool, () => fillBacklog(gateway.pool, tenantId, waiting))
    // Data of the filling that is not on disk yet must not be written during a measurement.
    await gateway.pool.query({ text: 'checkpoint' })
    levels.push({ waiting, gateway, tenantId, rates: [] })
  }
  const filledSeconds = Math.round((performance.now() - start) / 1_000)
  const bullmq: BullmqRates[] = []
  for (let round = 0; round < ROUNDS; round++) {
    if (bed.redis) bullmq.push(await measureBullmq(bed.redis))
    for (const level of levels) level.rates.push(await handOffRate(level, sink))
  }
  const { repeats, unnamed } = await sink.report()
  if (repeats + unnamed > 0) throw new Error(`${repeats} messages came twice, ${unnamed} without an id`)
  return backlogResult(levels, bullmq, filledSeconds)
}

async function handOffRate(level: Level, sink: HttpSink): Promise<number> {
  const { taken } = await sink.report()
  const feeder = startFeeder(level, sink, taken)
  try {
    await using _ = await level.gateway.startWorker()
    const first = await sink.reached(taken + WARM_UP_MESSAGES, ROUND_MS_MAX)
    const last = await sink.reached(taken + WARM_UP_MESSAGES + MESSAGES, ROUND_MS_MAX)
    return (MESSAGES / (last - first)) * 1_000
  } finally {
    await feeder.stop()
  }
}

/** Replaces sent messages. */
function startFeeder({ gateway, tenantId }: Level, sink: HttpSink, taken: number): { stop(): Promise<void> } {
  let stopped = false
  const feed = async () => {
    let fed = taken
    while (!stopped) {
      const left = (await sink.report()).taken - fed
      if (left > 0) await fillBacklog(gateway.pool, tenantId, left)
      fed += left
      await sleep(FEED_EVERY_MS)
    }
  }
  const feeding = feed()
  // The caller that stops it gets its failure.
  feeding.catch(() => undefined)
  return {
    async stop() {
      stopped = true
      await feeding
    },
  }
}

function backlogResult(
  levels: readonly Level[],
  bullmq: readonly BullmqRates[],
  filledSeconds: number,
): PartResult {
  const [few, ...more] = levels
  if (!few) throw new Error('there are no levels')
  const words = (count: number) => count.toLocaleString('en')
  const figures: Figure[] = more.map((level) =>
    ratioFigure({
      name: `messages sent/s, 1,000 waiting over ${words(level.waiting)}`,
      ours: perSecond(median(few.rates)),
      reference: perSecond(median(level.rates)),
      ratio: median(few.rates) / median(level.rates),
      bound: { atMost: RATE_AT_MOST },
      note: `rounds ${spread(few.rates, perSecond)} and ${spread(level.rates, perSecond)}; filled in ${filledSeconds} s`,
    }),
  )
  if (bullmq.length > 0) {
    const [chunked, single] = (['chunked', 'single'] as const).map((shape) =>
      median(bullmq.map((it) => it[shape])),
    ) as [number, number]
    figures.push(
      ratioFigure({
        name: 'messages sent/s, 1,000 waiting, compared with BullMQ alone',
        ours: perSecond(median(few.rates)),
        reference: `BullMQ alone ${perSecond(chunked)}`,
        ratio: median(few.rates) / chunked,
        bound: null,
        note: `BullMQ adds and ends chunks of 25 claims and does nothing else; with a job for each message ${perSecond(single)}`,
      }),
    )
  }
  return {
    figures,
    plots: [
      {
        kind: 'lines',
        file: 'dispatch-rate-by-backlog',
        title: 'Messages sent per second by backlog',
        x: { name: 'messages waiting', logarithmic: true },
        unit: 'messages/s',
        series: [
          {
            name: 'Lettergate',
            points: levels.map(({ waiting, rates }) => [waiting, Math.round(median(rates))]),
          },
        ],
        levels: [{ name: '1,000 waiting ÷ 1.3', value: Math.round(median(few.rates) / RATE_AT_MOST) }],
      },
    ],
  }
}
