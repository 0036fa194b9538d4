import type { KeyObject } from 'node:crypto'
import { createFailpoint } from '@lettergate/core/lib'
import { deriveKeys } from '@lettergate/core/secrets'
import { createListener } from '@lettergate/db/listener'
import { createPool } from '@lettergate/db/pool'
import type { SmtpMetrics } from '../metrics.ts'
import { createMemory } from '../session/memory.ts'
import type { Certificate } from '../tls/self-signed.ts'
import { type OpenInbound, openInbound } from './open-inbound.ts'

/** Of mails that are being received: five of the largest, or thousands of common ones. */
const MEMORY_BYTES_MAX = 128 * 1024 * 1024
/** Two batches of mails, and look-ups of routes. */
const CONNECTIONS_MAX = 4
/** The largest mail takes some seconds; a server that sends waits for minutes. */
const BOUNDS = { lockTimeoutMs: 5_000, statementTimeoutMs: 8_000, deadlineMs: 9_000, waitMs: 9_000 }

export type StartInboundOptions = {
  databaseUrl: string
  secret: KeyObject
  previousSecret?: KeyObject | undefined
  failpoint?: string | undefined
  hostName: string
  inboundDomain: string
  host: string
  port: number
  certificate: Certificate | null
  metrics: SmtpMetrics
  onError: (error: unknown) => void
}

/** Opens the port for inbound mail with connections to the database of its own. */
export async function startInbound(options: StartInboundOptions): Promise<OpenInbound> {
  const { databaseUrl, secret, previousSecret, certificate, metrics, onError } = options
  const pool = createPool({
    url: databaseUrl,
    max: CONNECTIONS_MAX,
    applicationName: 'lettergate-inbound',
    ...BOUNDS,
    onError,
    onLate: (kind) => metrics.onLateStatement('shared', kind),
    role: 'lettergate_batch',
  })
  const listener = createListener({ url: databaseUrl, onError })
  const close = () => Promise.all([listener.close(), pool.end()])
  try {
    const inbound = await openInbound({
      pool,
      listener,
      hostName: options.hostName,
      inboundDomain: options.inboundDomain,
      keys: deriveKeys(secret, previousSecret, 'own addresses'),
      host: options.host,
      port: options.port,
      ...(certificate && { certificate }),
      memory: createMemory(MEMORY_BYTES_MAX),
      failpoint: createFailpoint(options.failpoint),
      onReceived: metrics.onReceived,
      counts: metrics,
      onError,
    })
    return {
      ...inbound,
      async stop(graceMs) {
        await inbound.stop(graceMs)
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}
