import type { LateStatement } from '@lettergate/db/pool'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { InboundHandlerDeps } from './inbound/handlers.ts'
import type { SessionCounts } from './session/session-options.ts'

export type SmtpMetrics = SessionCounts & {
  registry: Registry
  onLogin(result: string, method: string): void
  onMail(result: 'accepted' | 'replayed' | 'refused' | 'deferred'): void
  onReceived: InboundHandlerDeps['onReceived']
  onLateStatement(pool: 'shared' | 'tenants', kind: LateStatement): void
}

/** Metrics of the SMTP server; sessions and memory are read at scrape time. */
export function createSmtpMetrics(now: { sessions(): number; memoryBytes(): number }): SmtpMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers: [registry] })
  new Gauge({
    name: 'lettergate_smtp_sessions',
    help: 'SMTP sessions that are open.',
    registers: [registry],
    collect() {
      this.set(now.sessions())
    },
  })
  new Gauge({
    name: 'lettergate_smtp_memory_bytes',
    help: 'Bytes of mails that are being received.',
    registers: [registry],
    collect() {
      this.set(now.memoryBytes())
    },
  })
  const connections = counter('lettergate_smtp_connections_total', 'SMTP connections, accepted or refused.', [
    'result',
  ])
  const replies = counter('lettergate_smtp_replies_total', 'Replies by code.', ['code'])
  const logins = counter('lettergate_smtp_logins_total', 'Logins by mechanism and result.', [
    'method',
    'result',
  ])
  const mails = counter(
    'lettergate_smtp_mails_total',
    'Mails by result: accepted, replayed, refused (5xx), deferred (4xx).',
    ['result'],
  )
  const late = counter(
    'lettergate_late_statements_total',
    'Statements without an answer in time (silent), or cancelled by Postgres for their duration (cancelled).',
    ['pool', 'kind'],
  )
  const stored = new Histogram({
    name: 'lettergate_smtp_store_seconds',
    help: 'Time from the end of a mail to its reply.',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  })
  const received = counter(
    'lettergate_inbound_mails_total',
    'Mails that came in by result: stored, repeat (known for a day, answered 250), loop, full (451: too many wait); and recipients that were refused: unknown (550 5.1.1), no-route (550 5.7.1).',
    ['result'],
  )
  return {
    registry,
    onConnection: (result) => connections.inc({ result }),
    onReply: (code) => replies.inc({ code: String(code) }),
    onLogin: (result, method) => logins.inc({ result, method }),
    onMail: (result) => mails.inc({ result }),
    onStored: (ms) => stored.observe(ms / 1000),
    onReceived: (result) => received.inc({ result }),
    onLateStatement: (pool, kind) => late.inc({ pool, kind }),
  }
}
