import { loadServiceConfig } from '@lettergate/config/config'
import { rootSecret } from '@lettergate/config/root-secret'
import { refuseDatabase, runService } from '@lettergate/config/run-service'
import { smtpAccess } from '@lettergate/config/smtp-access'
import { createLogger } from './logger.ts'
import { startServer } from './server.ts'

const NAME = 'The api'

runService(NAME, async () => {
  const config = loadServiceConfig()
  const logger = createLogger(config.logLevel)
  const server = await startServer({
    databaseUrl: config.databaseUrl,
    secret: rootSecret(config),
    previousSecret: config.previousSecret,
    egressAllow: config.egressAllow,
    egressMailPort: config.egressMailPort,
    awsIdentity: config.awsIdentity,
    redisUrl: config.redisUrl,
    publicUrl: config.publicUrl,
    gateway: {
      spfInclude: config.spfInclude ?? null,
      returnPathDomain: config.returnPathDomain ?? null,
      mayShare: config.sharedDomains,
    },
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
    ...(config.env === 'production' && { onUndurable: (issues) => refuseDatabase(NAME, issues) }),
  })
  return {
    stop() {
      logger.info('stopping')
      return server.stop()
    },
    onError: (error) => logger.error({ err: error }, 'could not stop cleanly'),
  }
})
