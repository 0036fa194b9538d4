import type { KeyObject } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { SmtpConfig } from '@lettergate/config/config'
import { limits } from '@lettergate/contracts/lib/field-limits'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { createOpenLogin, isInNetworks, type SmtpLogin } from '@lettergate/core/smtp-credentials'
import type { Pool } from '@lettergate/db/pool'
import { createDeps, type SmtpDeps } from './create-deps.ts'
import { createSmtpMetrics, type SmtpMetrics } from './metrics.ts'
import { createCaps } from './session/caps.ts'
import { Listener } from './session/listener.ts'
import { createMemory } from './session/memory.ts'
import { reply } from './session/reply.ts'
import {
  defaultLimits,
  type ListenerOptions,
  type Mechanism,
  type SessionLimits,
} from './session/session-options.ts'
import { createAuthenticate, type SmtpUser } from './submission/authenticate.ts'
import { createSubmissionHandlers } from './submission/handlers.ts'
import { createWrongLogins } from './submission/wrong-logins.ts'
import type { Certificate } from './tls/self-signed.ts'

export type SmtpOptions = {
  config: SmtpConfig
  databaseUrl: string
  secret: KeyObject
  previousSecret?: KeyObject | undefined
  failpoint?: string | undefined
  egressAllow?: readonly string[]
  certificate: Certificate | null
  /** Of the pages of problems, without a slash at its end. */
  baseUrl: string
  /** Of sessions: for tests. */
  limits?: Partial<SessionLimits>
  memoryBytesMax?: number
  onError: (error: unknown) => void
}

export type SmtpServer = {
  /** By name: starttls, submission, tls, open. Ports that are off are absent. */
  ports: Record<string, number>
  pool: Pool
  metrics: SmtpMetrics
  useCertificate(certificate: Certificate): void
  /** Resolves when each session has ended its mail, or the grace is over. */
  stop(graceMs: number): Promise<void>
}

/** Of mails that are being received, in all sessions; one tenant has half of it at most: two of the largest mails, or thousands of common ones. */
const MEMORY_BYTES_MAX = 192 * 1024 * 1024
const passwords: readonly Mechanism[] = ['PLAIN', 'LOGIN', 'CRAM-MD5']

type Shared = Omit<ListenerOptions<SmtpUser>, 'tls' | 'mechanisms' | 'handlers'>
type Plan = { name: string; port: number | undefined; options: ListenerOptions<SmtpUser> }

function openLoginOf(config: SmtpConfig, pool: Pool): SmtpLogin | null {
  const tenantId = config.open && fromPublicId('ten', config.open.tenant)
  return tenantId ? createOpenLogin({ pool }, tenantId) : null
}

/** The listeners that the settings ask for. A port without a certificate has no STARTTLS, and the one that begins with TLS is not there. */
function planListeners(options: SmtpOptions, shared: Shared, deps: SmtpDeps, metrics: SmtpMetrics): Plan[] {
  const { config, certificate } = options
  const mail = { submit: deps.submit, now: deps.clock.now, baseUrl: options.baseUrl, onMail: metrics.onMail }
  const authenticate = createAuthenticate({
    logins: deps.logins,
    wrongLogins: createWrongLogins(),
    // Half of all sessions: no tenant takes the places of the others.
    sessions: createCaps(config.connectionsMax, Math.ceil(config.connectionsMax / 2)),
    onLogin: metrics.onLogin,
    onUsed: ({ by }) => {
      if (by.kind === 'credential') deps.useNotes.note(by.id)
    },
    onError: options.onError,
  })
  const handlers = createSubmissionHandlers({ ...mail, authenticate })
  const tls = certificate ? 'starttls' : 'none'
  const onPlain: readonly Mechanism[] = config.takesPasswordsWithoutTls ? passwords : ['CRAM-MD5']
  const plans: Plan[] = [
    {
      name: 'starttls',
      port: config.port,
      options: { ...shared, tls, mechanisms: { plain: onPlain, secure: passwords }, handlers },
    },
    {
      name: 'submission',
      port: config.submissionPort,
      options: { ...shared, tls, mechanisms: { plain: ['CRAM-MD5'], secure: passwords }, handlers },
    },
    {
      name: 'tls',
      port: certificate ? config.tlsPort : undefined,
      options: { ...shared, tls: 'implicit', mechanisms: { plain: [], secure: passwords }, handlers },
    },
  ]
  const login = openLoginOf(config, deps.pool)
  if (!config.open || !login) return plans
  const { networks, port } = config.open
  const stranger = reply(554, '5.7.1', 'Your address may not use this port')
  const mayConnect = (address: string) => (isInNetworks(address, networks) ? null : stranger)
  const open = createSubmissionHandlers({ ...mail, authenticate }, { login, mayConnect })
  return [
    ...plans,
    {
      name: 'open',
      port,
      options: { ...shared, tls, mechanisms: { plain: [], secure: [] }, handlers: open },
    },
  ]
}

/** Opens the ports of the SMTP server over the given database. */
export async function startSmtp(options: SmtpOptions): Promise<SmtpServer> {
  const { config, certificate, onError } = options
  const connections = createCaps(config.connectionsMax, config.connectionsPerAddress)
  const memory = createMemory(options.memoryBytesMax ?? MEMORY_BYTES_MAX)
  const metrics = createSmtpMetrics({ sessions: connections.size, memoryBytes: memory.used })
  const deps = createDeps({ ...options, onLate: metrics.onLateStatement })
  const shared: Shared = {
    hostName: config.name ?? config.host,
    ...(certificate && { certificate }),
    limits: {
      ...defaultLimits,
      bytesMax: limits.mimeBytesMax,
      recipientsMax: limits.envelopeRecipientsMax,
      ...options.limits,
    },
    connections,
    memory,
    isProxy: (address) =>
      config.trustedProxies.length > 0 &&
      isInNetworks(address.replace(/^::ffff:/i, ''), config.trustedProxies),
    refusesBareBreaks: true,
    counts: metrics,
    onError,
  }
  const listeners: Listener<SmtpUser>[] = []
  const ports: Record<string, number> = {}
  let stopped: Promise<void> | null = null
  try {
    for (const { name, port, options: own } of planListeners(options, shared, deps, metrics)) {
      if (port === undefined) continue
      const listener = new Listener(own)
      listeners.push(listener)
      const address = (await listener.open(port, config.host)).address()
      ports[name] = isAddress(address) ? address.port : port
    }
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.drain(0)))
    await deps.close()
    throw error
  }
  return {
    ports,
    pool: deps.pool,
    metrics,
    useCertificate(given) {
      for (const listener of listeners) listener.useCertificate(given)
    },
    stop(graceMs) {
      stopped ??= Promise.all(listeners.map((listener) => listener.drain(graceMs))).then(deps.close)
      return stopped
    },
  }
}

function isAddress(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null
}
