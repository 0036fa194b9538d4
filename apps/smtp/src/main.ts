import { loadServiceConfig, type ServiceConfig } from '@lettergate/config/config'
import { rootSecret } from '@lettergate/config/root-secret'
import { refuseDatabase, runService } from '@lettergate/config/run-service'
import { createReadiness, describeError, startOperationsServer, watchDurability } from '@lettergate/core/lib'
import { pino } from 'pino'
import { startInbound } from './inbound/start-inbound.ts'
import { startSmtp } from './smtp.ts'
import {
  type CertificateFiles,
  developmentCertificate,
  readCertificate,
  watchCertificate,
} from './tls/certificate.ts'

/** A statement that waits longer for its answer shows that the database does not answer. */
const SILENT_MS = 900
/** Sessions may end their mail; a mail without its 250 is repeated by its client. */
const GRACE_MS = 6_500

function certificateFiles(config: ServiceConfig): CertificateFiles | null {
  if (config.smtp.certificate) return config.smtp.certificate
  if (config.env === 'production') return null
  return developmentCertificate(config.dataDir, config.smtp.name === undefined ? [] : [config.smtp.name])
}

const NAME = 'The SMTP server'

runService(NAME, async () => {
  const config = loadServiceConfig()
  const log = pino({ level: config.logLevel, base: { app: 'smtp' }, serializers: { err: describeError } })
  const onError = (error: unknown) => log.error({ err: error })
  const files = certificateFiles(config)
  if (!files) log.warn('no SMTP_TLS_CERT: there is no TLS, so only CRAM-MD5 can log in')
  const server = await startSmtp({
    config: config.smtp,
    databaseUrl: config.databaseUrl,
    secret: rootSecret(config),
    previousSecret: config.previousSecret,
    failpoint: config.failpoint,
    egressAllow: config.egressAllow,
    certificate: files && readCertificate(files),
    baseUrl: config.publicUrl ?? `http://${config.apiHost}:${config.apiPort}`,
    onError,
  })
  const inbound =
    config.inboundPort === undefined
      ? null
      : await startInbound({
          databaseUrl: config.databaseUrl,
          secret: rootSecret(config),
          previousSecret: config.previousSecret,
          failpoint: config.failpoint,
          hostName: config.smtp.name ?? config.inboundDomain,
          inboundDomain: config.inboundDomain,
          host: config.inboundHost,
          port: config.inboundPort,
          certificate: files && readCertificate(files),
          metrics: server.metrics,
          onError,
        })
  await watchDurability({
    db: server.pool,
    onIssues(issues) {
      for (const issue of issues) log.warn(issue)
      if (config.env === 'production') refuseDatabase(NAME, issues)
    },
    onError,
  })
  const unwatch =
    files &&
    watchCertificate(files, {
      change(certificate) {
        server.useCertificate(certificate)
        inbound?.listener.useCertificate(certificate)
      },
      error: onError,
    })
  let isDraining = false
  const operations =
    config.smtp.metricsPort === undefined
      ? null
      : await startOperationsServer(
          {
            registry: server.metrics.registry,
            health: { readiness: createReadiness(server.pool, SILENT_MS), isDraining: () => isDraining },
          },
          { host: config.apiHost, port: config.smtp.metricsPort },
        )
  log.info(
    { host: config.smtp.host, ports: { ...server.ports, inbound: inbound?.port } },
    'SMTP server ready',
  )

  return {
    async stop() {
      isDraining = true
      log.info('SMTP server stopping')
      unwatch?.()
      await Promise.all([server.stop(GRACE_MS), inbound?.stop(GRACE_MS)])
      operations?.close()
    },
    onError,
  }
})
