import { ConfigError } from '@lettergate/config/config'
import { createReadiness, startOperationsServer, watchDurability } from '@lettergate/core/lib'

import type { QueueBackend } from '@lettergate/queue/backend'
import type { WorkerMetrics } from './metrics.ts'
import { openParts } from './parts.ts'
import { startWatchdog } from './watchdog.ts'
import { startWorker } from './worker.ts'

const POOL_MAX = 8
/** For connections and their keys, which are cached, and for attachments. */
const TENANT_POOL_MAX = 4
/** Far beyond what the frequent statements take: readiness is no place to judge a sweep. */
const SILENT_MS = 3_000
/** An orchestrator kills after ten seconds. */
const STOP_MS_MAX = 9_500

async function main(): Promise<void> {
  let metrics: WorkerMetrics | null = null
  const { parts, config, log, close } = openParts({
    applicationName: 'lettergate-worker',
    poolMax: POOL_MAX,
    tenantPoolMax: TENANT_POOL_MAX,
    onLate: (name, kind) => metrics?.onLateStatement(name, kind),
  })
  const { pool, onError } = parts
  startWatchdog()
  await watchDurability({
    db: pool,
    onIssues(issues) {
      for (const issue of issues) log.warn(issue)
      if (config.env === 'production') refuse(issues)
    },
    onError,
  })
  const queue: QueueBackend = config.redisUrl
    ? { kind: 'redis', url: config.redisUrl }
    : { kind: 'postgres', url: config.databaseUrl }
  const worker = await startWorker({ ...parts, databaseUrl: config.databaseUrl, queue })
  metrics = worker.metrics
  let draining = false
  const server =
    config.workerMetricsPort === undefined
      ? null
      : await startOperationsServer(
          {
            registry: worker.metrics.registry,
            health: { readiness: createReadiness(pool, SILENT_MS), isDraining: () => draining },
          },
          { host: config.apiHost, port: config.workerMetricsPort },
        )
  log.info('worker ready')

  async function stop(): Promise<void> {
    if (draining) return
    draining = true
    log.info('worker stopping')
    // Whatever hangs (a Redis that is away): what is in hand is swept up as for a process that died.
    setTimeout(() => process.exit(1), STOP_MS_MAX).unref()
    await worker.stop()
    server?.close()
    await close()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop().then(
        () => process.exit(0),
        (error: unknown) => {
          onError(error)
          process.exit(1)
        },
      )
    })
  }
}

/** Mail must not be promised on a database that may forget it; development may try. */
function refuse(issues: string[]): never {
  process.stderr.write(`The worker does not run in production on this database:\n${issues.join('\n')}\n`)
  process.exit(1)
}

main().catch((error: unknown) => {
  const text = error instanceof ConfigError ? error.message : `The worker could not start: ${String(error)}`
  process.stderr.write(`${text}\n`)
  process.exit(1)
})
