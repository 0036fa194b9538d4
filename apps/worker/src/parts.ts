import { loadServiceConfig, type ServiceConfig } from '@lettergate/config/config'
import { rootSecret } from '@lettergate/config/root-secret'
import { createEgressPolicies } from '@lettergate/core/egress'
import { createFailpoint, describeError } from '@lettergate/core/lib'
import { createSealer, deriveKeys } from '@lettergate/core/secrets'
import { createPool } from '@lettergate/db/pool'
import { createTenants } from '@lettergate/db/tenant-scope'
import { newWorkerId } from '@lettergate/db/worker-sign'
import { createDns } from '@lettergate/egress/dns'
import { createEgress } from '@lettergate/egress/egress'
import { createProviders } from '@lettergate/providers/registry'
import { type Logger, pino } from 'pino'
import type { WorkerMetrics } from './metrics.ts'
import type { WorkerDeps } from './worker-deps.ts'

/** Sweeps and records of many messages may take Postgres some seconds; without its answer, the work is tried again on a fresh connection. */
const BOUNDS = { statementTimeoutMs: 5_000, deadlineMs: 6_000, connectMs: 2_000, waitMs: 5_000 }

export type Parts = {
  parts: Omit<WorkerDeps, 'databaseUrl' | 'queue'>
  config: ServiceConfig
  log: Logger
  close(): Promise<void>
}

/** Makes what a worker and its processes for suspects are made of, by the settings. */
export function openParts(options: {
  applicationName: string
  poolMax: number
  tenantPoolMax: number
  /** It carries one message at a time, for a worker. */
  isIsolated?: boolean
  onLate?: WorkerMetrics['onLateStatement']
}): Parts {
  const config = loadServiceConfig()
  const log = pino({ level: config.logLevel, base: { app: 'worker' }, serializers: { err: describeError } })
  const onError = (error: unknown) => log.error({ err: error })
  const pool = createPool({
    url: config.databaseUrl,
    max: options.poolMax,
    applicationName: options.applicationName,
    ...BOUNDS,
    onError,
    onLate: (kind) => options.onLate?.('shared', kind),
    role: 'lettergate_batch',
    workerId: newWorkerId(),
  })
  const tenants = createTenants({
    url: config.databaseUrl,
    max: options.tenantPoolMax,
    applicationName: `${options.applicationName}-tenants`,
    ...BOUNDS,
    onError,
    onLate: (kind) => options.onLate?.('tenants', kind),
  })
  const policies = createEgressPolicies({ pool, onError })
  const egress = createEgress({
    allow: [...config.egressAllow],
    mailPort: config.egressMailPort,
    ownUrl: config.publicUrl,
    policyOf: async (tenantId, atLeast) => (await policies.of(tenantId, atLeast)).policy,
  })
  const root = rootSecret(config)
  const providers = createProviders({ awsEnvironment: config.awsIdentity })
  return {
    config,
    log,
    parts: {
      pool,
      tenants,
      egress,
      providers,
      onError,
      onForeign: (events) =>
        log.warn(events, 'events about messages that the tenant does not have; nothing was changed'),
      dns: createDns({ allow: config.egressAllow }),
      gateway: {
        spfInclude: config.spfInclude ?? null,
        returnPathDomain: config.returnPathDomain ?? null,
        mayShare: config.sharedDomains,
      },
      sealer: createSealer({ tenants, root, previous: config.previousSecret }),
      feedDays: config.feedDays,
      inboundDays: config.inboundDays,
      inboundDomain: config.inboundDomain,
      addressKeys: deriveKeys(root, config.previousSecret, 'own addresses'),
      notices: config.notices,
      retention: config.retention,
      onRetentionPreview: (startsAt, due) =>
        log.info(
          { startsAt, days: due.slice(0, 50), more: Math.max(0, due.length - 50) },
          due.length === 0 ? 'retention: no day is due' : 'retention: these days are due',
        ),
      fallback: config.env === 'development' ? 'capture' : 'hold',
      failpoint: createFailpoint(config.failpoint, { taggedOnly: options.isIsolated ?? false }),
    },
    async close() {
      await Promise.all(Object.values(providers).map((provider) => provider.close?.()))
      await egress.close()
      await Promise.all([pool.end(), tenants.close()])
    },
  }
}
