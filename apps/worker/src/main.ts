import { refuseDatabase, runService } from '@lettergate/config/run-service'
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

const NAME = 'The worker'

runService(NAME, async () => {
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
      if (config.env === 'production') refuseDatabase(NAME, issues)
    },
    onError,
  })
  const queue: QueueBackend = config.redisUrl
    ? { kind: 'redis', url: config.redisUrl }
    : { kind: 'postgres', url: config.databaseUrl }
  const worker = await startWorker({ ...parts, databaseUrl: config.databaseUrl, queue })
  metrics = worker.metrics
  let isDraining = false
  const server =
    config.workerMetricsPort === undefined
      ? null
      : await startOperationsServer(
          {
            registry: worker.metrics.registry,
            health: { readiness: createReadiness(pool, SILENT_MS), isDraining: () => isDraining },
          },
          { host: config.apiHost, port: config.workerMetricsPort },
        )
  log.info('worker ready')

  return {
    async stop() {
      isDraining = true
      log.info('worker stopping')
      await worker.stop()
      server?.close()
      await close()
    },
    onError,
  }
})
