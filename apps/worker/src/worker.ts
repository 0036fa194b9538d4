import { createDatabaseClock } from '@lettergate/core/database-clock'
import { createDeliverer, type Deliverer } from '@lettergate/core/deliver'
import { createDispatcher } from '@lettergate/core/dispatch'
import type { Failpoint } from '@lettergate/core/failpoint'
import { createSecretKeeper, ownerOf } from '@lettergate/core/keep-secrets'
import { createPace, type Pace } from '@lettergate/core/pace'
import { pokedTenants } from '@lettergate/core/poke'
import { createIo } from '@lettergate/core/provider-io'
import { createRecorder } from '@lettergate/core/record'
import { createRouter } from '@lettergate/core/route'
import type { Sealer } from '@lettergate/core/sealing'
import { createSweeper } from '@lettergate/core/sweep'
import { createListener } from '@lettergate/db/listener'
import type { Pool } from '@lettergate/db/pool'
import type { Claim } from '@lettergate/db/sql/claim-messages'
import type { Tenants } from '@lettergate/db/tenant-database'
import type { Egress } from '@lettergate/egress/egress'
import type { Provider } from '@lettergate/providers/provider'
import type { QueueBackend } from '@lettergate/queue/backend'
import { createDeliverQueue } from '@lettergate/queue/deliver-queue'
import { createDeliverWorker } from '@lettergate/queue/deliver-worker'
import { createWorkerMetrics, type WorkerMetrics } from './metrics.ts'

export type WorkerDeps = {
  pool: Pool
  tenants: Tenants
  databaseUrl: string
  queue: QueueBackend
  sealer: Sealer
  egress: Egress
  providers: Record<string, Provider>
  fallback: 'capture' | 'hold'
  failpoint: Failpoint
  onError: (error: unknown) => void
}

export type RunningWorker = {
  metrics: WorkerMetrics
  /** Ends claims and calls in order; resolves when everything known is written. */
  stop(): Promise<void>
}

/** Claims in the queue and in hand, in the whole installation: a few times the slots, whatever the backlog. */
const DEPTH = 2_000
/** Calls to providers at once; one tenant alone may use half of them. */
const SLOTS = 400
/** A question about an account is answered soon, or asked again in some minutes. */
const CHECK_MS = 10_000
/** A stopping worker gives calls this long; the process must be gone after ten seconds. */
const GRACE_MS = 6_000

/** Starts dispatch, delivery and sweep over the given parts. */
export async function startWorker(deps: WorkerDeps): Promise<RunningWorker> {
  const { pool, onError } = deps
  const recorder = createRecorder({ pool, onError })
  const router = createRouter({ ...deps })
  const clock = createDatabaseClock({ pool, onError })
  await clock.start()
  const secrets = createSecretKeeper({ ...deps })
  let deliverer: Deliverer | null = null
  let known: Pace | null = null
  const metrics = createWorkerMetrics(
    () => deliverer?.busy() ?? 0,
    () => known?.counts() ?? { open: 0, paused: 0, waiting: 0 },
  )
  const pace = createPace({
    pool,
    check(tenantId, candidate, signal) {
      const call = { owner: ownerOf(tenantId, candidate), deadlineMs: CHECK_MS }
      const io = createIo({ egress: deps.egress, secrets, now: clock.now }, { signal }, call)
      return candidate.provider.check(candidate.connection, io)
    },
    onAsked: metrics.onAsked,
    onSync: metrics.onPaceSync,
    onReserve: metrics.onReserve,
    onError,
  })
  known = pace
  const active = createDeliverer({
    ...{ ...deps, router, recorder, secrets, pace, slots: SLOTS },
    now: clock.now,
    onHandOff: metrics.onHandOff,
  })
  deliverer = active
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
  const listener = createListener({
    ...{ url: deps.databaseUrl, onError },
    onSilent: () => metrics.onLateStatement('listen', 'silent'),
  })
  await listener.on('lg_outbox', (payload) => dispatcher.poke(pokedTenants(payload)))
  await listener.on('lg_connection', (payload) => pace.hint(payload === '' ? null : payload.split(',')))
  const sweeper = createSweeper({
    pool,
    onSwept: (step, count, ms) => {
      metrics.onSwept(step, count, ms)
      if (count > 0) dispatcher.poke(null)
    },
    repeatWindowMs: (provider, startedAt) =>
      (deps.providers[provider]?.capabilities.idempotencyWindowMs ?? 0) - (clock.now() - startedAt.getTime()),
    takes: (provider) => deps.providers[provider]?.capabilities,
    onError,
  })
  pace.start()
  dispatcher.start()
  sweeper.start()

  return {
    metrics,
    async stop() {
      // First, so that the calls under way have all of the grace.
      active.stop(GRACE_MS)
      await Promise.all([dispatcher.stop(), sweeper.stop(), listener.close(), consumer.close()])
      clock.stop()
      // After the last call, to tell what it taught.
      await pace.stop()
      await Promise.all([recorder.drain(), secrets.drain()])
      await queue.close()
    },
  }
}
