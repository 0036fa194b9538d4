import type { Submit } from '@lettergate/core/accept'
import { createInboundProcessor, createMailReader } from '@lettergate/core/inbound'
import type { WorkerMetrics } from './metrics.ts'
import type { WorkerDeps } from './worker-deps.ts'

export type RunningInbound = { wake(): void; stop(): Promise<void> }

/** Starts reading received mail and acting on it; what is forwarded is accepted as any message is. */
export function startInbound(deps: WorkerDeps & { submit: Submit }, metrics: WorkerMetrics): RunningInbound {
  const { pool, submit, failpoint, onError, inboundDomain } = deps
  const reader = createMailReader({ mta: inboundDomain, onThreadEnded: metrics.onReaderEnded })
  const processor = createInboundProcessor({
    pool,
    submit,
    mta: inboundDomain,
    keys: deps.addressKeys,
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
      await reader.close()
    },
  }
}
