import { ConfigError, loadServiceConfig } from '@lettergate/config/config'
import { rootSecret } from '@lettergate/config/root-secret'
import { smtpAccess } from '@lettergate/config/smtp-access'
import { createLogger } from './logger.ts'
import { startServer } from './server.ts'

async function main(): Promise<void> {
  const config = loadServiceConfig()
  const logger = createLogger(config.logLevel)
  const server = await startServer({
    databaseUrl: config.databaseUrl,
    secret: rootSecret(config),
    previousSecret: config.previousSecret,
    egressAllow: config.egressAllow,
    egressMailPort: config.egressMailPort,
    awsIdentity: config.awsIdentity,
    publicUrl: config.publicUrl,
    failpoint: config.failpoint,
    smtp: smtpAccess(config),
    feedDays: config.feedDays,
    inboundDomain: config.inboundDomain,
    logger,
    host: config.apiHost,
    port: config.apiPort,
    metricsPort: config.apiMetricsPort,
    keepAliveSeconds: config.apiKeepAliveSeconds,
    trustedProxies: config.apiTrustedProxies,
    ...(config.env === 'production' && { onUndurable: refuse }),
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      logger.info({ signal }, 'stopping')
      server.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error({ err: error }, 'could not stop cleanly')
          process.exit(1)
        },
      )
    })
  }
}

/** Mail must not be promised on a database that may forget it; development may try. */
function refuse(issues: string[]): never {
  process.stderr.write(`The api does not run in production on this database:\n${issues.join('\n')}\n`)
  process.exit(1)
}

main().catch((error: unknown) => {
  const text = error instanceof ConfigError ? error.message : `The api could not start: ${String(error)}`
  process.stderr.write(`${text}\n`)
  process.exit(1)
})
