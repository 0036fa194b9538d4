import { createConnection, createRoute, sesConnection } from '@lettergate/faults/gateway'
import { freePort } from '@lettergate/faults/ports'
import { type PartResult, perSecond, ratioFigure } from './figure.ts'
import { fillBacklog } from './fill-backlog.ts'
import { tenantUuid } from './fill-messages.ts'
import { type HttpSink, startHttpSink } from './http-sink.ts'
import { median, spread } from './statistics.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const ROUNDS = 3
/** Of each of the two tenants: they are served in turns, so both last as long. */
const MESSAGES = 5_000
const ROUND_MS_MAX = 60_000
const RATE_AT_LEAST = 0.95
const MOVE_MS_MAX = 1_000

type Round = { rate: number; moved: number; movedMs: number }

/**
 * A tenant's mail is shared out to three connections. Measured beside it is another tenant's, with all three alive and with one
 * that refuses every call; each round has its own tenant, so each round meets the dead connection for the first time.
 */
export async function benchDeadConnection(bed: TestBed): Promise<PartResult> {
  await using cleanup = new AsyncDisposableStack()
  const [sink, ownSink] = [cleanup.use(await startHttpSink()), cleanup.use(await startHttpSink())]
  const gateway = cleanup.use(await bed.startGateway({ worker: false }))
  const other = await gateway.createTenant()
  await createConnection(gateway.apiUrl, other.apiKey, sesConnection(sink.url))
  const otherId = tenantUuid(other.tenantId)
  cleanup.use(await gateway.startWorker())
  const count = bed.count(MESSAGES)
  const measure = (firstUrl: string) => runRound({ gateway, otherId, sink, ownSink, firstUrl, count })
  await measure(ownSink.url)
  const [alive, dead]: [Round[], Round[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    alive.push(await measure(ownSink.url))
    dead.push(await measure(`http://127.0.0.1:${await freePort()}`))
  }
  return deadConnectionResult(alive, dead)
}

async function runRound(round: {
  gateway: Gateway
  otherId: string
  sink: HttpSink
  ownSink: HttpSink
  /** The address of the first of the three connections. */
  firstUrl: string
  count: number
}): Promise<Round> {
  const { gateway, sink, ownSink, count } = round
  const { apiKey, tenantId } = await gateway.createTenant()
  const ids: string[] = []
  for (const url of [round.firstUrl, ownSink.url, ownSink.url])
    ids.push(await createConnection(gateway.apiUrl, apiKey, sesConnection(url)))
  await createRoute(gateway.apiUrl, apiKey, ids)
  const own = tenantUuid(tenantId)
  const [{ taken }, { taken: ownTaken }] = [await sink.report(), await ownSink.report()]
  await Promise.all([own, round.otherId].map((id) => fillBacklog(gateway.pool, id, count)))
  const first = await sink.reached(taken + count / 10, ROUND_MS_MAX)
  const last = await sink.reached(taken + count, ROUND_MS_MAX)
  await ownSink.reached(ownTaken + count, ROUND_MS_MAX)
  return { rate: ((count * 0.9) / (last - first)) * 1_000, ...(await readMoved(gateway, own)) }
}

/** How many messages had to move on, and the 99th percentile of the time from their first try to their last. */
async function readMoved(gateway: Gateway, tenantId: string): Promise<Pick<Round, 'moved' | 'movedMs'>> {
  const { rows } = await gateway.pool.query<{ moved: number; ms: number | null }>({
    text: `select count(*)::int4 as moved, percentile_cont(0.99) within group (order by ms)::float8 as ms
           from (select extract(epoch from max(started_at) - min(started_at)) * 1000 as ms
                 from attempt where tenant_id = $1 group by message_id having count(*) > 1) m`,
    values: [tenantId],
  })
  return { moved: rows[0]?.moved ?? 0, movedMs: rows[0]?.ms ?? 0 }
}

function deadConnectionResult(alive: readonly Round[], dead: readonly Round[]): PartResult {
  const rates = (rounds: readonly Round[]) => rounds.map(({ rate }) => rate)
  const moves = dead.map(({ movedMs }) => movedMs)
  const ms = (value: number) => `${Math.round(value)} ms`
  return {
    figures: [
      ratioFigure({
        name: 'messages sent/s of a tenant while another has one dead connection of three',
        ours: perSecond(median(rates(dead))),
        reference: `all alive ${perSecond(median(rates(alive)))}`,
        ratio: median(rates(dead)) / median(rates(alive)),
        bound: { atLeast: RATE_AT_LEAST },
        note: `rounds ${spread(rates(dead), perSecond)} and ${spread(rates(alive), perSecond)}`,
      }),
      ratioFigure({
        name: 'p99 time until messages moved to another connection, over the bound',
        ours: ms(median(moves)),
        reference: `bound ${ms(MOVE_MS_MAX)}`,
        ratio: median(moves) / MOVE_MS_MAX,
        bound: { atMost: 1 },
        note: `rounds ${spread(moves, ms)}; ${spread(
          dead.map(({ moved }) => moved),
          String,
        )} mails of ${MESSAGES.toLocaleString('en')} had to`,
      }),
    ],
    plots: [],
  }
}
