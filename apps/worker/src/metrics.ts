import type { JobKind, RetentionRun, RetentionStep } from '@lettergate/core/data-life'
import type { AttemptResult, PoolHeldWhy } from '@lettergate/core/deliver'
import type { CheckOutcome } from '@lettergate/core/domains'
import type { ProcessedInbound } from '@lettergate/core/inbound'
import type { LostWorkers } from '@lettergate/core/lost-workers'
import type { BulkResult } from '@lettergate/core/messages'
import type { NoticeResult } from '@lettergate/core/notices'
import type { PoolCounts } from '@lettergate/core/pool'
import type { Applied, RetireResult } from '@lettergate/core/provider-events'
import type { ChunkResult } from '@lettergate/core/suppressions'
import type { SweepStep } from '@lettergate/core/sweep'
import type { PollResult } from '@lettergate/core/throttle'
import type { Drift } from '@lettergate/core/usage'
import type { CallResult } from '@lettergate/core/webhooks'
import type { LateStatement } from '@lettergate/db/pool'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>

/** Metrics of a worker; `busy`, `throttle` and `isolated` are read at scrape time. */
export function createWorkerMetrics(
  busy: () => number,
  throttle: () => { open: number; paused: number; waiting: number },
  isolated: () => number,
) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, buckets: number[], ...labelNames: L[]) =>
    new Histogram({ name, help, labelNames, buckets, registers })
  const readGauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  const readGauges = (name: string, help: string, label: string, read: () => Record<string, number>) =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        for (const [value, count] of Object.entries(read())) this.set({ [label]: value }, count)
      },
    })
  const attempts = counter(
    'lettergate_attempts_total',
    'Attempts by provider and outcome (accepted, rejected, deferred, unknown).',
    'provider',
    'outcome',
  )
  const poolAttempts = counter(
    'lettergate_pool_attempts_total',
    'Attempts through the shared pool, by outcome.',
    'outcome',
  )
  const poolHeld = counter(
    'lettergate_pool_held_total',
    'Messages that the shared pool did not carry, each time they were looked at: no share of the day left (share), paused, an unproved sender, or what the message asks for (message).',
    'why',
  )
  const poolTenants = gauge(
    'lettergate_pool_tenants',
    'Tenants whose mail through the shared pool is warned or paused.',
    'state',
  )
  const delivery = histogram(
    'lettergate_delivery_seconds',
    'Time from acceptance to the answer of the provider.',
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600],
    'provider',
  )
  const call = histogram(
    'lettergate_provider_call_seconds',
    'Duration of one call to a provider.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25],
    'provider',
  )
  const claims = counter('lettergate_claims_total', 'Messages claimed from the backlog.')
  const swept = counter('lettergate_swept_total', 'Rows corrected after a lost process, by step.', 'step')
  const sweep = histogram(
    'lettergate_sweep_seconds',
    'Duration of one run of a step of the sweep.',
    [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 60],
    'step',
  )
  const sweepFailures = counter(
    'lettergate_sweep_failures_total',
    'Runs of a step of the sweep that ended with an error, by step.',
    'step',
  )
  const drift = gauge(
    'lettergate_quota_drift',
    'Recipients or bytes by which counters of usage differed from what is stored, since this worker started, by counter.',
    'counter',
  )
  for (const counter of ['day', 'pool', 'bytes']) drift.set({ counter }, 0)
  readGauge('lettergate_calls_busy', 'Calls to providers in progress.', () => busy())
  readGauges(
    'lettergate_connections_throttled',
    'Connections with an open circuit breaker (circuit) or a pause (paused), as this worker knows them, and messages that wait for the concurrency limit.',
    'why',
    () => {
      const { open: circuit, paused, waiting: concurrency } = throttle()
      return { circuit, paused, concurrency }
    },
  )
  const synced = counter(
    'lettergate_connections_synced_total',
    'Connections whose state was synchronised with the other workers.',
  )
  const reserved = counter(
    'lettergate_recipients_reserved_total',
    'Recipients with a reserved sending time or a reserved part of a daily limit.',
  )
  const polled = counter(
    'lettergate_limits_polled_total',
    'Queries of account limits at providers, by result (`reported`: limits reported, `silent`: none reported, `failed`).',
    'result',
  )
  const late = counter(
    'lettergate_late_statements_total',
    'Statements without an answer in time (silent: their connection was ended), or cancelled by Postgres for their duration.',
    'pool',
    'kind',
  )
  const suspected = counter(
    'lettergate_messages_suspected_total',
    'Messages that a lost worker had begun, once per lost worker. Each is then sent by a process of its own.',
  )
  const setAside = counter(
    'lettergate_messages_set_aside_total',
    'Messages held because three workers ended unexpectedly while they sent them.',
  )
  const webhookCalls = histogram(
    'lettergate_webhook_call_seconds',
    'Calls to endpoints, by result (`ok`: 2xx, `failed`: another answer, `broken`: none), and their duration.',
    [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
    'result',
  )
  const disabledEndpoints = counter(
    'lettergate_endpoints_disabled_total',
    'Endpoints that were disabled, because their URL is gone or had no success for five days.',
  )
  let webhookCounts = () => ({ busy: 0, paused: 0, endpoints: 0 })
  readGauges(
    'lettergate_endpoints',
    'Endpoints of the installation that are enabled (enabled) or paused after failures (paused), and calls of this worker in progress (calling).',
    'state',
    () => {
      const { busy: calling, paused, endpoints: enabled } = webhookCounts()
      return { enabled, paused, calling }
    },
  )
  const inbound = histogram(
    'lettergate_inbound_seconds',
    'Received mails that were read and acted on, by result (`done`, `failed`: kept unread, `later`: retried, `overtaken`: another worker did it), and the time it took.',
    [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 20],
    'result',
  )
  const readersEnded = counter(
    'lettergate_inbound_readers_ended_total',
    'Threads that were ended by a received mail that took too much time or memory.',
  )
  let inboundCounts = () => ({ busy: 0, oldestMs: 0 })
  readGauge(
    'lettergate_inbound_busy',
    'Received mails in the hands of this worker.',
    () => inboundCounts().busy,
  )
  readGauge(
    'lettergate_inbound_oldest_seconds',
    'How long the oldest received mail had been due when this worker looked last; 0 when none was due.',
    () => inboundCounts().oldestMs / 1000,
  )
  const retired = counter(
    'lettergate_webhooks_retired_total',
    'Webhooks of before a rotation that were due to be removed at a provider, by result (removed, failed, given-up).',
    'result',
  )
  const noticed = counter(
    'lettergate_notices_total',
    'Notices to tenants by mail, by result (sent, unwanted: the tenant names no address, or the operator has set up none, too-many, late, failed: tried again).',
    'result',
  )
  readGauge(
    'lettergate_isolated_busy',
    'Messages being sent by processes of their own, because a worker was lost while it sent them.',
    () => isolated(),
  )
  const chunks = counter(
    'lettergate_suppression_chunks_total',
    'Chunks of imports and exports of suppressions, by result (done, failed). A failed one is repeated.',
    'kind',
    'result',
  )
  const bulk = counter(
    'lettergate_bulk_messages_total',
    'Messages that jobs over many messages have visited, by action (cancel, retry, hold, release) and result (done, skipped, failed). A step that fails is repeated, and counts as failed each time.',
    'action',
    'result',
  )
  const applied = counter(
    'lettergate_provider_events_applied_total',
    'Events of providers by result: applied, repeated (known before), early (its message is not recorded as sent yet: tried again), foreign (of a message that the tenant does not have), expired (its message was not found for a day). unread: records that are not readable; failed: requests that could not be applied.',
    'result',
  )
  const waited = gauge(
    'lettergate_provider_events_oldest_seconds',
    'How long the oldest request of a provider had been due when this worker took requests last; 0 when none was due.',
  )
  const domainChecks = counter(
    'lettergate_domain_checks_total',
    'Checks of domains by result: verified, warned (its records are gone, and it is lost within a day), pending, failed, taken (another tenant has it), superseded (another check came first), broken (repeated after two minutes).',
    'result',
  )
  const domainsWaited = gauge(
    'lettergate_domain_checks_oldest_seconds',
    'How long the oldest check of a domain had been due when this worker took checks last; 0 when none was due.',
  )
  const turns = counter(
    'lettergate_data_turns_total',
    'Turns of exports, erasures and deletions, by kind and result (done, failed). A failed one is repeated.',
    'kind',
    'result',
  )
  const retentionSteps = counter(
    'lettergate_retention_steps_total',
    'Steps of retention: detached, dropped, copied, swapped, deleted, looked (nothing to do), busy (somebody held a lock), again (rows changed meanwhile), nothing, elsewhere (another worker does it).',
    'step',
  )
  const retentionStuck = gauge(
    'lettergate_retention_stuck_days',
    'Days of tables that the last run of retention in this worker could not lock: a dump or a long report reads them.',
  )
  return {
    registry,
    onBulkMessage: (action: string, result: BulkResult) => bulk.inc({ action, result }),
    onDomainChecked: (result: CheckOutcome | 'broken') => domainChecks.inc({ result }),
    onDomainsWaited: (ms: number) => domainsWaited.set(ms / 1000),
    onDataTurn: (kind: JobKind, result: ChunkResult) => turns.inc({ kind, result }),
    onRetentionStep: ({ did }: RetentionStep) => retentionSteps.inc({ step: did }),
    onRetentionRun: ({ stuck }: RetentionRun) => retentionStuck.set(stuck.length),
    onSuppressionChunk: (kind: 'import' | 'export', result: ChunkResult) => chunks.inc({ kind, result }),
    onApplied({ requests: _, waitedMs, ...counts }: Applied) {
      waited.set(waitedMs / 1000)
      for (const [result, count] of Object.entries(counts)) if (count > 0) applied.inc({ result }, count)
    },
    onInbound: (result: ProcessedInbound, ms: number) => inbound.observe({ result }, ms / 1000),
    onReaderEnded: () => readersEnded.inc(),
    watchInbound(counts: () => { busy: number; oldestMs: number }) {
      inboundCounts = counts
    },
    /** Counts a statement without an answer in time, or cancelled by Postgres for its duration. */
    onLateStatement: (pool: 'shared' | 'tenants' | 'listen', kind: LateStatement) => late.inc({ pool, kind }),
    onLost(lost: LostWorkers) {
      suspected.inc(lost.suspected)
      setAside.inc(lost.aside)
    },
    onPolled: (result: PollResult) => polled.inc({ result }),
    onNotice: (result: NoticeResult) => noticed.inc({ result }),
    onRetired: (result: RetireResult) => retired.inc({ result }),
    onWebhook: (result: CallResult, ms: number) => webhookCalls.observe({ result }, ms / 1000),
    onEndpointDisabled: () => disabledEndpoints.inc(),
    watchWebhooks(counts: () => { busy: number; paused: number; endpoints: number }) {
      webhookCounts = counts
    },
    onHealthSync: (count: number) => synced.inc(count),
    onReserve: (recipients: number) => reserved.inc(recipients),
    onPoolHeld: (why: PoolHeldWhy) => poolHeld.inc({ why }),
    onPoolCounts({ paused, warned }: PoolCounts) {
      poolTenants.set({ state: 'paused' }, paused)
      poolTenants.set({ state: 'warned' }, warned)
    },
    onAttempt({ provider, outcome, sinceAcceptMs, callMs, byPool }: AttemptResult) {
      attempts.inc({ provider, outcome })
      if (byPool) poolAttempts.inc({ outcome })
      delivery.observe({ provider }, sinceAcceptMs / 1000)
      call.observe({ provider }, callMs / 1000)
    },
    onClaim: (count: number) => claims.inc(count),
    onDrift: ({ counter, counted, stored }: Drift) => drift.inc({ counter }, Math.abs(counted - stored)),
    onSwept: (step: SweepStep, count: number, ms: number) => {
      sweep.observe({ step }, ms / 1000)
      if (count > 0) swept.inc({ step }, count)
    },
    onSweepFailed: (step: SweepStep) => sweepFailures.inc({ step }),
  }
}
