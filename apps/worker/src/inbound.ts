import { createAcceptor, createConnectionsCheck, createSubmit } from '@lettergate/core/accept'
import { createWorkerWaker } from '@lettergate/core/dispatch'
import { createInboundProcessor, createMailReader } from '@lettergate/core/inbound'
import type { WorkerMetrics } from './metrics.ts'
import type { WorkerDeps } from './worker-deps.ts'

export type RunningInbound = { wake(): void; stop(): Promise<void> }

/** Starts reading received mail and acting on it; what is forwarded is accepted as any message is. */
export function startInbound(deps: WorkerDeps, metrics: WorkerMetrics): RunningInbound {
  const { pool, tenants, providers, failpoint, onError, inboundDomain } = deps
  const acceptor = createAcceptor({ pool, wakeWorkers: createWorkerWaker(pool, onError), failpoint, onError })
  const reader = createMailReader({ mta: inboundDomain, onThreadEnded: metrics.onReaderEnded })
  const processor = createInboundProcessor({
    pool,
    submit: createSubmit({
      acceptor,
      connectionsCheck: createConnectionsCheck({ tenants, providers }),
      callbacks: { refusal: async () => null, prepare: async () => {} },
    }),
    mta: inboundDomain,
    keys: deps.ownAddressKeys,
    reader,
    failpoint,
    onProcessed: metrics.onInbound,
    onError,
  })
  metrics.watchInbound(processor.counts)
  processor.start()
  return {
    wake: processor.wake,
    async stop() {
      await processor.stop()
      await acceptor.drain()
      await reader.close()
    },
  }
}
