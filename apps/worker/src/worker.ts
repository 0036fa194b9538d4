import { openAccept } from '@lettergate/core/accept'
import { createCredentialRenewer } from '@lettergate/core/connections'
import { createDataJobs, createRetention } from '@lettergate/core/data-life'
import { type Claim, createDispatcher, wokenTenants } from '@lettergate/core/dispatch'
import { createDomainChecks } from '@lettergate/core/domains'
import { createFeedNews } from '@lettergate/core/feed'
import { createInboundCalls } from '@lettergate/core/inbound'
import type { Background } from '@lettergate/core/lib'
import { countLost, type LostDeps } from '@lettergate/core/lost-workers'
import { createBulkRunner } from '@lettergate/core/messages'
import { createNotices } from '@lettergate/core/notices'
import { createPoolWatch } from '@lettergate/core/pool'
import { createEventApplier, createWebhookRetirer } from '@lettergate/core/provider-events'
import { createSuppressionJobs } from '@lettergate/core/suppressions'
import { createSweeper } from '@lettergate/core/sweep'
import { createWebhookSender } from '@lettergate/core/webhooks'
import { createListener } from '@lettergate/db/listener'
import { createDeliverQueue } from '@lettergate/queue/deliver-queue'
import { createDeliverWorker } from '@lettergate/queue/deliver-worker'
import { type Delivery, startDelivery } from './delivery.ts'
import { startInbound } from './inbound.ts'
import { startRunner } from './isolated-runner.ts'
import { createIsolation, type Isolation } from './isolation.ts'
import { createWorkerMetrics, type WorkerMetrics } from './metrics.ts'
import type { WorkerDeps } from './worker-deps.ts'

export type RunningWorker = {
  metrics: WorkerMetrics
  /** Ends claims and calls in order; resolves when everything known is written. */
  stop(): Promise<void>
}

/** Claims in the queue and in hand, in the whole installation: a few times the slots, whatever the backlog. */
const DEPTH = 2_000
/** Calls to providers at once; a single tenant may use half of them. */
const SLOTS = 400
/** A stopping worker gives calls this long; the process must be gone after ten seconds. */
const GRACE_MS = 6_000

/** Starts dispatch, delivery and sweep over the given parts. */
export async function startWorker(deps: WorkerDeps): Promise<RunningWorker> {
  const { pool, onError } = deps
  let delivery: Delivery | null = null
  let isolation: Isolation | null = null
  const metrics = createWorkerMetrics(
    () => delivery?.busy() ?? 0,
    () => delivery?.throttle.counts() ?? { open: 0, paused: 0, waiting: 0 },
    () => isolation?.busy() ?? 0,
  )
  const active = await startDelivery(deps, { slots: SLOTS, on: metrics })
  delivery = active
  const lost: LostDeps = {
    pool,
    repeatWindowMs: (provider, startedAt) =>
      (deps.providers[provider]?.capabilities.idempotencyWindowMs ?? 0) -
      (active.now() - startedAt.getTime()),
    takes: (provider) => deps.providers[provider]?.capabilities,
    onLost(counted) {
      metrics.onLost(counted)
      if (counted.suspected > 0) isolation?.wake()
    },
  }
  const isolatedRunner = createIsolation({
    pool,
    startRunner: () => startRunner(metrics.onAttempt),
    countLost: (claim) => countLost(lost, claim),
    onError,
  })
  isolation = isolatedRunner
  const queue = await createDeliverQueue(deps.queue, onError)
  const dispatcher = createDispatcher({
    pool,
    enqueue: (claims) => queue.add(claims),
    isQueueOpen: () => queue.isOpen(),
    depth: DEPTH,
    failpoint: deps.failpoint,
    onClaim: metrics.onClaim,
    onError,
  })

  async function deliver(claim: Claim): Promise<void> {
    try {
      await active.deliver(claim)
    } catch (error) {
      // The claim's lease ends by itself, and the sweeper takes it from there.
      onError(error)
    }
    dispatcher.finished()
  }

  const consumer = await createDeliverWorker({
    backend: deps.queue,
    concurrency: DEPTH,
    process: async (claims) => void (await Promise.all(claims.map(deliver))),
    onError,
  })
  const applier = createEventApplier({
    ...deps,
    onApplied: metrics.onApplied,
  })
  const listener = createListener({
    url: deps.databaseUrl,
    onError,
    onSilent: () => metrics.onLateStatement('listen', 'silent'),
  })
  await listener.on('lg_outbox', (payload) => dispatcher.wake(wokenTenants(payload)))
  await listener.on('lg_connection', (payload) =>
    active.throttle.refresh(payload === '' ? null : payload.split(',')),
  )
  await listener.on('lg_provider_event', () => applier.wake())
  const sweeper = createSweeper({
    ...lost,
    feedDays: deps.feedDays,
    onDrift(drift) {
      metrics.onDrift(drift)
      const { tenantId, mode, day, counter, counted, stored } = drift
      const place = `${counter} of tenant ${tenantId}, ${mode}, ${day}`
      onError(
        new Error(
          `a counter of usage differs from what is stored: ${place}: ${counted} counted, ${stored} stored`,
        ),
      )
    },
    inboundDays: deps.inboundDays,
    onSwept: (step, count, ms) => {
      metrics.onSwept(step, count, ms)
      if (count > 0) dispatcher.wake(null)
    },
    onFailed: metrics.onSweepFailed,
    onError,
  })
  const secrets = createCredentialRenewer(deps)
  const retirer = createWebhookRetirer({
    ...deps,
    secrets,
    now: active.now,
    onRetired: metrics.onRetired,
    onError,
  })
  const suppressionJobs = createSuppressionJobs({
    pool,
    failpoint: deps.failpoint,
    onChunk: metrics.onSuppressionChunk,
    onError,
  })
  const bulk = createBulkRunner({
    pool,
    failpoint: deps.failpoint,
    onMessage: metrics.onBulkMessage,
    onError,
  })
  const domainChecks = createDomainChecks({
    ...deps,
    db: pool,
    now: active.now,
    onChecked: metrics.onDomainChecked,
    onWaited: metrics.onDomainsWaited,
  })
  const dataJobs = createDataJobs({ pool, failpoint: deps.failpoint, onTurn: metrics.onDataTurn, onError })
  const retention = createRetention({
    pool,
    failpoint: deps.failpoint,
    onStep: metrics.onRetentionStep,
    onRun: metrics.onRetentionRun,
    onPreview: deps.onRetentionPreview,
    onError,
  })
  const poolWatch = createPoolWatch({
    pool,
    failpoint: deps.failpoint,
    onCounts: metrics.onPoolCounts,
    onError,
  })
  const news = createFeedNews({ pool, listener, onError })
  // For what the worker itself sends: forwards, and notices.
  const { acceptor, submit } = openAccept({
    pool,
    tenants: deps.tenants,
    providers: deps.providers,
    dns: deps.dns,
    failpoint: deps.failpoint,
    onError,
  })
  const inbound = startInbound({ ...deps, submit }, metrics)
  await listener.on('lg_inbound', () => inbound.wake())
  const webhooks = createWebhookSender({
    ...deps,
    inbound: createInboundCalls({ pool, egress: deps.egress, onCall: metrics.onWebhook }),
    listener,
    news,
    onCall: metrics.onWebhook,
    onDisabled: metrics.onEndpointDisabled,
  })
  metrics.watchWebhooks(webhooks.counts)
  const notices = createNotices({ ...deps, submit, onNotice: metrics.onNotice })
  const background: Background[] = [
    isolatedRunner,
    dispatcher,
    sweeper,
    retirer,
    suppressionJobs,
    bulk,
    domainChecks,
    dataJobs,
    ...(deps.retention ? [retention] : []),
    poolWatch,
    notices,
    applier,
  ]
  for (const work of background) work.start()
  webhooks.start()

  return {
    metrics,
    async stop() {
      // First, so that the calls under way have all of the grace.
      active.refuse(GRACE_MS)
      await Promise.all([
        ...background.map((work) => work.stop()),
        webhooks.stop(GRACE_MS),
        inbound.stop(),
        consumer.close(),
      ])
      await acceptor.drain()
      news.close()
      await listener.close()
      await secrets.drain()
      await active.end()
      await queue.close()
    },
  }
}
