import { createHash } from 'node:crypto'
import { buildMime, messageIdOf } from '../mime.ts'
import type { Io, OutboundMessage, Provider, ProviderConnection } from '../provider.ts'
import { checkSmtp } from './check.ts'
import { openSession } from './open-session.ts'
import { type Transfer, toOutcome } from './outcome.ts'
import type { Envelope } from './session.ts'
import { SessionPool } from './session-pool.ts'
import {
  type SmtpCredentials,
  type SmtpSettings,
  smtpCredentials,
  smtpSettings,
  smtpTarget,
} from './settings.ts'

const sessionsMaxDefault = 20
const poolsMax = 500

type Connection = ProviderConnection<SmtpCredentials, SmtpSettings>

/** Any submission server that speaks SMTP, over connections that are kept open. */
export function createSmtp(): Provider<SmtpCredentials, SmtpSettings> {
  const pools = new Pools()
  return {
    id: 'smtp',
    description: 'Any SMTP submission server.',
    credentials: smtpCredentials,
    settings: smtpSettings,
    capabilities: {
      // Every server takes 100 in one go: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.8
      recipientsMax: 100,
      // What the server says in its greeting decides; it is asked only then.
      messageBytesMax: 40 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: true,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 0,
      metadata: false,
      tellsLimits: false,
    },
    targets: (settings) => [smtpTarget(settings)],
    send: async (message, connection, io) => {
      const transfer = await deliver(message, pools.of(connection), io)
      return toOutcome(transfer, messageIdOf(message))
    },
    check: ({ credentials, settings }, io) => checkSmtp(credentials, settings, io),
    close: () => pools.close(),
  }
}

async function deliver(message: OutboundMessage, pool: SessionPool, io: Io): Promise<Transfer> {
  const mime = await buildMime(message)
  const envelope: Envelope = {
    from: message.from.address,
    to: message.envelopeTo,
    size: mime.length,
    use8BitMime: message.attachments.some(({ contentType }) => contentType.startsWith('message/')),
  }
  for (;;) {
    const lease = await pool.acquire(io)
    if ('failure' in lease) return lease.failure
    const transfer = await lease.session.transfer({ ...envelope }, mime, io.signal)
    void pool.release(lease.session)
    // A kept connection that the server had ended meanwhile took nothing: that says nothing about the message.
    if (!lease.reused || io.signal.aborted || !wasStale(transfer)) return transfer
  }
}

function wasStale(transfer: Transfer): boolean {
  if (transfer.kind === 'lost') return !transfer.complete
  return transfer.kind === 'refused' && transfer.phase === 'mail' && transfer.reply.startsWith('421')
}

/** A pool for each connection, in order of last use: the least used make room, changed credentials begin a new one. */
class Pools {
  readonly #pools = new Map<string, SessionPool>()
  readonly #prints = new WeakMap<SmtpCredentials, string>()

  of(connection: Connection): SessionPool {
    const { credentials, settings } = connection
    const key = `${connection.id} ${this.#printOf(credentials)} ${JSON.stringify(settings)}`
    const known = this.#pools.get(key)
    const sessionsMax = settings.max_connections ?? sessionsMaxDefault
    const pool = known ?? new SessionPool(sessionsMax, (io) => openSession(settings, credentials, io))
    this.#pools.delete(key)
    this.#pools.set(key, pool)
    if (!known) this.#forgetUnused()
    return pool
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()))
    this.#pools.clear()
  }

  #printOf(credentials: SmtpCredentials): string {
    const known = this.#prints.get(credentials)
    if (known) return known
    const secrets = [credentials.username?.reveal(), credentials.password?.reveal()]
    const print = createHash('sha256').update(JSON.stringify(secrets)).digest('base64')
    this.#prints.set(credentials, print)
    return print
  }

  #forgetUnused(): void {
    for (const [key, pool] of this.#pools) {
      if (this.#pools.size <= poolsMax) return
      if (pool.isUnused()) this.#pools.delete(key)
    }
  }
}
