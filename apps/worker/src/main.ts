import { ConfigError, loadServiceConfig } from '@lettergate/config/config'
import { rootSecret } from '@lettergate/config/root-secret'
import { describeError } from '@lettergate/core/describe-error'
import { watchDurability } from '@lettergate/core/durability'
import { createFailpoint } from '@lettergate/core/failpoint'
import { createReadiness } from '@lettergate/core/readiness'
import { createSealer } from '@lettergate/core/sealing'
import { createPool } from '@lettergate/db/pool'
import { createTenants } from '@lettergate/db/tenant-database'
import { createEgress } from '@lettergate/egress/egress'
import { createProviders } from '@lettergate/providers/registry'
import type { QueueBackend } from '@lettergate/queue/backend'
import { pino } from 'pino'
import type { WorkerMetrics } from './metrics.ts'
import { startOperationsServer } from './operations-server.ts'
import { startWorker } from './worker.ts'

const POOL_MAX = 8
/** For connections and their keys, which are cached, and for attachments. */
const TENANT_POOL_MAX = 4
/** Sweeps and records of many messages may take Postgres some seconds; without its answer, the work is tried again on a fresh connection. */
const BOUNDS = { statementTimeoutMs: 5_000, deadlineMs: 6_000, connectMs: 2_000, waitMs: 5_000 }
/** Far beyond what the frequent statements take: readiness is no place to judge a sweep. */
const SILENT_MS = 3_000
/** An orchestrator kills after ten seconds. */
const STOP_MS_MAX = 9_500

async function main(): Promise<void> {
  const config = loadServiceConfig()
  const log = pino({ level: config.logLevel, base: { app: 'worker' }, serializers: { err: describeError } })
  const onError = (error: unknown) => log.error({ err: error })
  let metrics: WorkerMetrics | null = null
  const late: WorkerMetrics['onLateStatement'] = (name, kind) => metrics?.onLateStatement(name, kind)
  const pool = createPool({
    url: config.databaseUrl,
    max: POOL_MAX,
    applicationName: 'lettergate-worker',
    ...BOUNDS,
    onError,
    onLate: (kind) => late('shared', kind),
    role: 'lettergate_batch',
  })
  await watchDurability({
    db: pool,
    onFaults(faults) {
      for (const fault of faults) log.warn(fault)
      if (config.env === 'production') refuse(faults)
    },
    onError,
  })
  const tenants = createTenants({
    url: config.databaseUrl,
    max: TENANT_POOL_MAX,
    applicationName: 'lettergate-worker-tenants',
    ...BOUNDS,
    onError,
    onLate: (kind) => late('tenants', kind),
  })
  const queue: QueueBackend = config.redisUrl
    ? { kind: 'redis', url: config.redisUrl }
    : { kind: 'postgres', url: config.databaseUrl }
  const egress = createEgress({ allow: [...config.egressAllow], mailPort: config.egressMailPort })
  const providers = createProviders({ awsEnvironment: config.awsIdentity })
  const worker = await startWorker({
    pool,
    tenants,
    databaseUrl: config.databaseUrl,
    queue,
    sealer: createSealer({ tenants, root: rootSecret(config), previous: config.previousSecret }),
    egress,
    providers,
    fallback: config.env === 'development' ? 'capture' : 'hold',
    failpoint: createFailpoint(config.failpoint),
    onError,
  })
  metrics = worker.metrics
  let draining = false
  const server =
    config.workerMetricsPort === undefined
      ? null
      : await startOperationsServer(
          {
            registry: worker.metrics.registry,
            readiness: createReadiness(pool, SILENT_MS),
            isDraining: () => draining,
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
    await Promise.all(Object.values(providers).map((provider) => provider.close?.()))
    await egress.close()
    server?.close()
    await Promise.all([pool.end(), tenants.close()])
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
function refuse(faults: string[]): never {
  process.stderr.write(`The worker does not run in production on this database:\n${faults.join('\n')}\n`)
  process.exit(1)
}

main().catch((error: unknown) => {
  const text = error instanceof ConfigError ? error.message : `The worker could not start: ${String(error)}`
  process.stderr.write(`${text}\n`)
  process.exit(1)
})
