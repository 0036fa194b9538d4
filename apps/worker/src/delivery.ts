import { createCredentialRenewer, createIo, ownerOf } from '@lettergate/core/connections'
import { type AttemptResult, createDeliverer, createRecorder } from '@lettergate/core/deliver'
import type { Claim } from '@lettergate/core/dispatch'
import { createDatabaseClock } from '@lettergate/core/lib'
import { createRouter } from '@lettergate/core/routing'
import { createThrottle, type Throttle } from '@lettergate/core/throttle'
import type { WorkerMetrics } from './metrics.ts'
import type { WorkerDeps } from './worker-deps.ts'

/** A question about an account is answered soon, or asked again in some minutes. */
const CHECK_MS = 10_000

export type Delivery = {
  deliver(claim: Claim): Promise<void>
  busy(): number
  now(): number
  throttle: Throttle
  /** Starts nothing new; calls still under way after `graceMs` are aborted. */
  refuse(graceMs: number): void
  /** Once no call is under way: writes what is left to write. */
  end(): Promise<void>
}

/** Builds delivery, for a worker and for the process that sends a single suspected message. */
export async function startDelivery(
  deps: Omit<WorkerDeps, 'databaseUrl' | 'queue'>,
  options: {
    slots: number
    on: Pick<WorkerMetrics, 'onPolled' | 'onHealthSync' | 'onReserve'> & {
      onAttempt(attempt: AttemptResult): void
    } & Partial<Pick<WorkerMetrics, 'onPoolHeld'>>
  },
): Promise<Delivery> {
  const { pool, onError } = deps
  const recorder = createRecorder({ pool, onError })
  const clock = createDatabaseClock({ pool, onError })
  await clock.start()
  const secrets = createCredentialRenewer({ ...deps })
  const throttle = createThrottle({
    pool,
    check(tenantId, candidate, signal) {
      const call = { owner: ownerOf(tenantId, candidate), deadlineMs: CHECK_MS }
      const io = createIo({ egress: deps.egress, secrets, now: clock.now }, { signal }, call)
      return candidate.provider.check(candidate.connection, io)
    },
    ...options.on,
    onSync: options.on.onHealthSync,
    onError,
  })
  const deliverer = createDeliverer({
    ...deps,
    router: createRouter({ ...deps }),
    returnPaths: { key: deps.addressKeys[0], domain: deps.gateway.returnPathDomain },
    recorder,
    secrets,
    throttle,
    slots: options.slots,
    now: clock.now,
    onAttempt: options.on.onAttempt,
    ...(options.on.onPoolHeld && { onPoolHeld: options.on.onPoolHeld }),
  })
  throttle.start()
  return {
    deliver: deliverer.deliver,
    busy: deliverer.busy,
    now: clock.now,
    throttle,
    refuse: deliverer.stop,
    async end() {
      clock.stop()
      // After the last call, to tell what it taught.
      await throttle.stop()
      await Promise.all([recorder.drain(), secrets.drain()])
    },
  }
}
