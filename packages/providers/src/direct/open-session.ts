import { isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Io, Target } from '../provider.ts'
import { openConnection, type Step } from '../smtp/open-connection.ts'
import type { Transfer } from '../smtp/outcome.ts'
import { Session } from '../smtp/session.ts'
import type { Opened } from '../smtp/session-pool.ts'
import { daneError, findTlsa, usableTlsa } from './dane.ts'
import { findMailHosts } from './mail-hosts.ts'
import { lists, type StsPolicies, type StsPolicy } from './mta-sts.ts'
import { codeOf } from './outcome.ts'
import { type Resolver, UnansweredError } from './resolver.ts'
import type { DirectSettings } from './settings.ts'

const messagesMax = 100

/** Parts needed to connect to a mail host. */
export type Ways = { resolver: Resolver; policies: StsPolicies; port: number; ca: string | undefined }

/** How a host must be spoken to. `verify`: its certificate is checked by name and authority. */
type Protection = { required: boolean; verify: boolean; step: Step }

const nothingMore: Step = (_connection, done) => done()

/** A session with the first mail host of a domain that is ready for one. */
export async function openSession(
  domain: string,
  settings: DirectSettings,
  ways: Ways,
  io: Io,
): Promise<Opened> {
  const { instead_of_mx: instead } = settings
  const required = settings.tls === 'required'
  if (instead) {
    return openAt(
      { ...instead, scheme: 'smtp' },
      { required, verify: false, step: nothingMore },
      settings,
      ways,
      io,
    )
  }
  try {
    const found = await findMailHosts(domain, ways.resolver)
    if ('reason' in found)
      return { failure: { kind: 'refused', phase: 'rcpt', reply: found.reason, refused: [] } }
    const policy = await ways.policies.of(domain, io)
    let worst: Transfer = lost('no mail server of the domain was tried')
    for (const [index, host] of found.hosts.entries()) {
      const opened = await openOne(host, domain, policy, settings, ways, io)
      if ('session' in opened) return opened
      // While one host may still take it, a refusal by another is not the last word.
      if (index === 0 || codeOf(worst) !== 'recipient-deferred') worst = opened.failure
      if (io.signal.aborted) break
    }
    return { failure: worst }
  } catch (error) {
    if (!(error instanceof UnansweredError)) throw error
    return { failure: lost(error.message) }
  }
}

async function openOne(
  host: string,
  domain: string,
  policy: StsPolicy,
  settings: DirectSettings,
  ways: Ways,
  io: Io,
): Promise<Opened> {
  const isEnforced = policy.mode === 'enforce'
  if (isEnforced && !lists(policy, host))
    return { failure: lost(`the MTA-STS policy of ${domain} does not list ${host}`) }
  const records = settings.dane ? await findTlsa(host, ways.resolver) : []
  const usable = usableTlsa(records)
  const step: Step = (connection, done) => {
    const { _socket: socket } = connection
    const error = socket instanceof TLSSocket ? daneError(socket, usable, [host, domain], io.now()) : 'no TLS'
    done(error === null ? null : new Error(`DANE: ${error}`))
  }
  const protection = {
    // Records that cannot be used still promise TLS: https://www.rfc-editor.org/rfc/rfc7672#section-2.2
    required: settings.tls === 'required' || isEnforced || records.length > 0,
    verify: isEnforced && records.length === 0,
    step: usable.length > 0 ? step : nothingMore,
  }
  return openAt({ host, port: ways.port, scheme: 'smtp' }, protection, settings, ways, io)
}

async function openAt(
  target: Target,
  { required, verify, step }: Protection,
  settings: DirectSettings,
  ways: Ways,
  io: Io,
): Promise<Opened> {
  const options: SMTPConnection.Options = {
    name: settings.helo_name,
    requireTLS: required,
    opportunisticTLS: !required,
    tls: {
      minVersion: 'TLSv1.2',
      rejectUnauthorized: verify,
      ...(isIP(target.host) === 0 && { servername: target.host }),
      ...(ways.ca !== undefined && { ca: ways.ca }),
    },
  }
  const opened = await openConnection(target, options, io, step)
  if ('connection' in opened) return toSession(opened)
  if (required || !isTlsError(opened.failure)) return opened
  // Encrypted where possible: https://www.rfc-editor.org/rfc/rfc7435#section-3
  const plain = await openConnection(target, { ...options, ignoreTLS: true }, io, step)
  return 'connection' in plain ? toSession(plain) : plain
}

function toSession({ connection, greeting }: { connection: SMTPConnection; greeting: string }): Opened {
  return { session: new Session(connection, greeting, messagesMax) }
}

function isTlsError(failure: Transfer): boolean {
  if (failure.kind === 'misconfigured') return failure.code === 'provider-tls-failed'
  return failure.kind === 'lost' && /TLS|SSL|handshake/i.test(failure.reason)
}

function lost(reason: string): Transfer {
  return { kind: 'lost', complete: false, reason }
}
