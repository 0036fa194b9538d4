import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection, sesConnection } from '@lettergate/faults/gateway'
import { type PartResult, perSecond, ratioFigure } from './figure.ts'
import { fillBacklog, WHOLE_MAIL } from './fill-backlog.ts'
import { tenantUuid } from './fill-messages.ts'
import { startHttpSink } from './http-sink.ts'
import { applyLoad } from './load.ts'
import { watchMemory } from './memory-over-time.ts'
import { afterPause, partRates, ratePerSecond } from './rate-over-time.ts'
import { spread } from './statistics.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const MESSAGES = 200_000
const CONNECTIONS = 32
const WARM_UP_MESSAGES = 200
/** Until the last attempt of the warm-up is recorded: a frozen worker must hold no lock. */
const SETTLE_MS = 1_000
const PARTS = 10
const BURST_MS_MAX = 180_000
/** As the rate may fall with a backlog: to 1/1.3. */
const LAST_OVER_FIRST_AT_LEAST = 0.77

/**
 * 200,000 messages in one burst into tables that were created a moment ago and of which Postgres has no statistics: as accept would have written
 * them, but within seconds, so that nothing is analysed by then. The worker has made its plans while they were empty, and is
 * frozen until all are there, so that its rate is its own from the first to the last.
 */
export async function benchBurst(bed: TestBed): Promise<PartResult> {
  const messages = bed.count(MESSAGES)
  const words = messages.toLocaleString('en')
  await using sink = await startHttpSink()
  await using gateway = await bed.startGateway({ worker: true })
  const { apiKey, tenantId } = await gateway.createTenant()
  await createConnection(gateway.apiUrl, apiKey, sesConnection(sink.url))
  const memory = watchMemory({ api: gateway.api.pid, worker: gateway.worker?.pid })
  await applyLoad({
    url: `${gateway.apiUrl}/v1/send`,
    key: apiKey,
    connections: CONNECTIONS,
    seconds: 120,
    count: WARM_UP_MESSAGES,
  })
  await sink.reached(WARM_UP_MESSAGES, BURST_MS_MAX)
  await sleep(SETTLE_MS)
  const { taken } = await sink.report()
  const worker = gateway.worker?.pid ?? 0
  const start = Date.now()
  process.kill(worker, 'SIGSTOP')
  await fillBacklog(gateway.pool, tenantUuid(tenantId), messages, WHOLE_MAIL).finally(() =>
    process.kill(worker, 'SIGCONT'),
  )
  const filled = Date.now()
  const end = await sink.reached(taken + messages, BURST_MS_MAX)
  const series = await memory.stop()
  const { perTenth, repeats, unnamed } = await sink.report()
  if (repeats + unnamed > 0) throw new Error(`${repeats} messages came twice, ${unnamed} without an id`)
  const parts = partRates(afterPause(perTenth), taken, taken + messages, messages / PARTS)
  const [first = Number.NaN] = parts
  const last = parts.at(-1) ?? Number.NaN
  const analysed = await timesAnalysed(gateway)
  return {
    figures: [
      ratioFigure({
        name: `burst of ${words} into cold tables, last over first part`,
        ours: perSecond(last),
        reference: `first ${perSecond(first)}`,
        ratio: last / first,
        bound: { atLeast: LAST_OVER_FIRST_AT_LEAST },
        note: `${parts.length} parts of ${(messages / PARTS).toLocaleString('en')}: ${spread(parts, perSecond)}; there in ${seconds(start, filled)} s, sent in ${seconds(filled, end)} s; outbox analysed ${analysed} times by then`,
      }),
    ],
    plots: [
      {
        kind: 'lines',
        file: 'burst-rate',
        title: `Messages sent per second in a burst of ${words} into cold tables`,
        x: { name: 'seconds since the first message' },
        unit: 'messages/s',
        series: [{ name: 'sent', points: ratePerSecond(afterPause(perTenth)) }],
        levels: [{ name: 'first tenth', value: Math.round(first) }],
      },
      {
        kind: 'lines',
        file: 'burst-memory',
        title: 'Resident memory during the burst',
        x: { name: 'seconds' },
        unit: 'MB',
        series,
      },
    ],
  }
}

function seconds(from: number, to: number): string {
  return ((to - from) / 1_000).toFixed(0)
}

async function timesAnalysed(gateway: Gateway): Promise<number> {
  const { rows } = await gateway.pool.query<{ n: number }>({
    text: "select autoanalyze_count::int4 as n from pg_stat_user_tables where relname = 'outbox'",
  })
  return rows[0]?.n ?? 0
}
