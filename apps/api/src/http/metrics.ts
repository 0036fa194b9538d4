import { countOutbox, type OutboxCount } from '@lettergate/core/dispatch'
import type { LateStatement, Queryable } from '@lettergate/db/pool'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = {
  registry: Registry
  /** Counts the answers of one route. */
  answers(method: string, route: string): (status: number) => void
  acceptSeconds: Histogram
  /** Counts a send that was refused because too many waited. */
  countShed(): void
  /** Counts a connection that was closed because too many were open. */
  countDropped(): void
  /** Counts a look for tenants with news, on which waiting requests depend when a notification is lost. */
  countLook(result: 'news' | 'none' | 'failed'): void
  /** Shows how many requests of a kind wait. */
  watchWaiting(kind: 'poll' | 'stream', count: () => number): void
  /** A statement that had no answer in time, or that Postgres cancelled for its length. */
  countLateStatement(pool: 'shared' | 'tenants' | 'operator' | 'listen', kind: LateStatement): void
  /** A request of a provider at the URL of a connection, by its result. */
  countProviderEvent(provider: string, verdict: string): void
  /** A request that was refused because there were too many, by whose limit. */
  countLimited(by: string): void
  /** A count that was brought together with those of other processes. */
  countLimitSync(result: 'ok' | 'failed'): void
  /** Uses of keys that were noted. */
  countKeyUses(result: string, count: number): void
}

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

function addWaiting(registry: Registry): Pick<Metrics, 'countLook' | 'watchWaiting'> {
  const looks = new Counter({
    name: 'lettergate_feed_looks_total',
    help: 'Looks for tenants with news while requests wait, one a second. failed: requests that wait may hear of news late.',
    labelNames: ['result'],
    registers: [registry],
  })
  const counts = new Map<string, () => number>()
  new Gauge({
    name: 'lettergate_waiting_requests',
    help: 'Requests that wait for news: long polls and streams of events.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const [kind, count] of counts) this.set({ kind }, count())
    },
  })
  return {
    countLook: (result) => looks.inc({ result }),
    watchWaiting: (kind, count) => void counts.set(kind, count),
  }
}

function addKeyCounters(
  registry: Registry,
): Pick<Metrics, 'countLimited' | 'countLimitSync' | 'countKeyUses'> {
  const counter = <L extends string>(name: string, help: string, label: L) =>
    new Counter({ name, help, labelNames: [label], registers: [registry] })
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
    countLimited: (by) => limited.inc({ by }),
    countLimitSync: (result) => syncs.inc({ result }),
    countKeyUses: (result, count) => uses.inc({ result }, count),
  }
}

function addLateStatements(registry: Registry): Counter {
  return new Counter({
    name: 'lettergate_late_statements_total',
    help: 'Statements without an answer in time (silent: their connection was ended), or cancelled by Postgres for their duration.',
    labelNames: ['pool', 'kind'],
    registers: [registry],
  })
}

/** The figures of this process, and those of the queue, which any api process can tell. */
export function createMetrics(deps: { db: Queryable; onError(error: unknown): void }): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  addQueueGauges(registry, deps.db, deps.onError)
  const requests = new Counter({
    name: 'lettergate_http_requests_total',
    help: 'Answers by route and status.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  })
  const acceptSeconds = new Histogram({
    name: 'lettergate_accept_seconds',
    help: 'Time from the first byte of an accepted send to its answer.',
    buckets: ACCEPT_BUCKETS_SECONDS,
    registers: [registry],
  })
  const shed = new Counter({
    name: 'lettergate_shed_total',
    help: 'Sends refused because too many requests waited to be stored; no route counts them.',
    registers: [registry],
  })
  const dropped = new Counter({
    name: 'lettergate_dropped_connections_total',
    help: 'Connections closed at once because too many were open.',
    registers: [registry],
  })
  const late = addLateStatements(registry)
  const providerEvents = new Counter({
    name: 'lettergate_provider_events_received_total',
    help: 'Requests of providers at the URLs of connections, by verdict (verified, probe, confirm, refused, undecided, overloaded).',
    labelNames: ['provider', 'verdict'],
    registers: [registry],
  })
  return {
    registry,
    acceptSeconds,
    countShed: () => shed.inc(),
    countDropped: () => dropped.inc(),
    ...addWaiting(registry),
    ...addKeyCounters(registry),
    countLateStatement: (pool, kind) => late.inc({ pool, kind }),
    countProviderEvent: (provider, verdict) => providerEvents.inc({ provider, verdict }),
    answers(method, route) {
      const byStatus = new Map<number, Counter.Internal>()
      return (status) => {
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
