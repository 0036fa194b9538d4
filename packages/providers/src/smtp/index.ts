import { createHash } from 'node:crypto'
import { buildMime, messageIdOf } from '../mime.ts'
import type { Io, OutboundMessage, Provider, ProviderConnection } from '../provider.ts'
import { type Transfer, toOutcome } from './outcome.ts'
import { createPool, type Pool } from './pool.ts'
import { type Envelope, openSession } from './session.ts'
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
  const pools = createPools()
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
    },
    targets: (settings) => [smtpTarget(settings)],
    send: async (message, connection, io) => {
      const transfer = await deliver(message, pools.of(connection), io)
      return toOutcome(transfer, messageIdOf(message))
    },
    close: pools.close,
  }
}

async function deliver(message: OutboundMessage, pool: Pool, io: Io): Promise<Transfer> {
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
function createPools() {
  const pools = new Map<string, Pool>()
  const prints = new WeakMap<object, string>()

  function keyOf({ id, credentials, settings }: Connection): string {
    let print = prints.get(credentials)
    if (!print) {
      const secrets = [credentials.username?.reveal(), credentials.password?.reveal()]
      print = createHash('sha256').update(JSON.stringify(secrets)).digest('base64')
      prints.set(credentials, print)
    }
    return `${id} ${print} ${JSON.stringify(settings)}`
  }

  function of(connection: Connection): Pool {
    const key = keyOf(connection)
    const known = pools.get(key)
    const { credentials, settings } = connection
    const pool =
      known ??
      createPool(settings.max_connections ?? sessionsMaxDefault, (io) =>
        openSession(settings, credentials, io),
      )
    pools.delete(key)
    pools.set(key, pool)
    if (!known) forgetUnused()
    return pool
  }

  function forgetUnused(): void {
    for (const [key, pool] of pools) {
      if (pools.size <= poolsMax) return
      if (pool.isUnused()) pools.delete(key)
    }
  }

  async function close(): Promise<void> {
    await Promise.all([...pools.values()].map((pool) => pool.close()))
    pools.clear()
  }

  return { of, close }
}
