import { countOutbox, type OutboxCount } from '@lettergate/core/dispatch'
import type { LateStatement, Queryable } from '@lettergate/db/pool'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/** From immediately to the time-out of the database. */
const ACCEPT_BUCKETS_SECONDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]
/** A scrape more often than this sees the same figures: counting a long queue is work. */
const QUEUE_TTL_MS = 5_000

function addQueueGauges(registry: Registry, db: Queryable, onError: (error: unknown) => void): void {
  let askedAt = Number.NEGATIVE_INFINITY
  let counts: Promise<OutboxCount[]> = Promise.resolve([])
  function ask(): Promise<OutboxCount[]> {
    if (performance.now() - askedAt > QUEUE_TTL_MS) {
      askedAt = performance.now()
      counts = countOutbox(db).catch((error: unknown) => {
        onError(error)
        return []
      })
    }
    return counts
  }
  function addGauge(name: string, help: string, figure: (row: OutboxCount) => number): void {
    new Gauge({
      name,
      help,
      labelNames: ['state'],
      registers: [registry],
      async collect() {
        const rows = await ask()
        // A state that could not be counted has no figure, rather than an old one.
        this.reset()
        for (const row of rows) this.set({ state: row.state }, figure(row))
      },
    })
  }
  addGauge('lettergate_outbox_messages', 'Messages that are not finished.', (row) => row.count)
  addGauge(
    'lettergate_outbox_oldest_seconds',
    'Age of the oldest message in a state, counted from when it was due.',
    (row) => row.oldestSeconds,
  )
}

/** The figures of this process, and those of the queue, which any api process can tell. */
export function createMetrics(deps: { db: Queryable; onError(error: unknown): void }) {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers })
  collectDefaultMetrics({ register: registry })
  addQueueGauges(registry, deps.db, deps.onError)
  const requests = counter(
    'lettergate_http_requests_total',
    'Answers by route and status.',
    'method',
    'route',
    'status',
  )
  const acceptSeconds = new Histogram({
    name: 'lettergate_accept_seconds',
    help: 'Time from the first byte of an accepted send to its answer.',
    buckets: ACCEPT_BUCKETS_SECONDS,
    registers,
  })
  const shed = counter(
    'lettergate_shed_total',
    'Sends refused because too many requests waited to be stored; no route counts them.',
  )
  const dropped = counter(
    'lettergate_dropped_connections_total',
    'Connections closed at once because too many were open.',
  )
  const late = counter(
    'lettergate_late_statements_total',
    'Statements without an answer in time (silent: their connection was ended), or cancelled by Postgres for their duration.',
    'pool',
    'kind',
  )
  const providerEvents = counter(
    'lettergate_provider_events_received_total',
    'Requests of providers at the URLs of connections, by verdict (verified, probe, confirm, refused, undecided, overloaded).',
    'provider',
    'verdict',
  )
  const looks = counter(
    'lettergate_feed_looks_total',
    'Looks for tenants with news while requests wait, one a second. failed: requests that wait may hear of news late.',
    'result',
  )
  const waiting = new Map<string, () => number>()
  new Gauge({
    name: 'lettergate_waiting_requests',
    help: 'Requests that wait for news: long polls and streams of events.',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const [kind, count] of waiting) this.set({ kind }, count())
    },
  })
  const limited = counter(
    'lettergate_requests_limited_total',
    'Requests refused because there were too many, by whose limit (key, tenant, address).',
    'by',
  )
  const syncs = counter(
    'lettergate_request_limit_syncs_total',
    'Counts of requests shared through Redis. failed: each process limits what it sees alone.',
    'result',
  )
  const uses = counter(
    'lettergate_key_uses_total',
    'Last uses of keys, written in batches. dropped: too many waited.',
    'result',
  )
  return {
    registry,
    acceptSeconds,
    /** Counts a send that was refused because too many waited. */
    countShed: () => shed.inc(),
    /** Counts a connection that was closed because too many were open. */
    countDropped: () => dropped.inc(),
    /** Counts a look for tenants with news, on which waiting requests depend when a notification is lost. */
    countLook: (result: 'news' | 'none' | 'failed') => looks.inc({ result }),
    /** Shows how many requests of a kind wait. */
    watchWaiting: (kind: 'poll' | 'stream', count: () => number) => void waiting.set(kind, count),
    /** A request that was refused because there were too many, by whose limit. */
    countLimited: (by: string) => limited.inc({ by }),
    /** A count that was brought together with those of other processes. */
    countLimitSync: (result: 'ok' | 'failed') => syncs.inc({ result }),
    /** Uses of keys that were noted. */
    countKeyUses: (result: string, count: number) => uses.inc({ result }, count),
    /** A statement that had no answer in time, or that Postgres cancelled for its length. */
    countLateStatement: (pool: 'shared' | 'tenants' | 'operator' | 'listen', kind: LateStatement) =>
      late.inc({ pool, kind }),
    /** A request of a provider at the URL of a connection, by its result. */
    countProviderEvent: (provider: string, verdict: string) => providerEvents.inc({ provider, verdict }),
    /** Counts the answers of one route. */
    answers(method: string, route: string) {
      const byStatus = new Map<number, Counter.Internal>()
      return (status: number) => {
        let counter = byStatus.get(status)
        if (!counter) {
          counter = requests.labels(method, route, String(status))
          byStatus.set(status, counter)
        }
        counter.inc()
      }
    },
  }
}
