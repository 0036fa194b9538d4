import { signMime } from '../direct/dkim.ts'
import { buildMime, messageIdOf } from '../lib/mime.ts'
import { tellUnverified } from '../lib/unverified.ts'
import { createTokens } from '../oauth2/tokens.ts'
import type { OutboundMessage, Provider } from '../provider.ts'
import { checkSmtp } from './check.ts'
import { type SmtpCredentials, smtpCredentials } from './credentials.ts'
import { deliver } from './deliver.ts'
import { type Field, withFeedbackId, withFields } from './header-fields.ts'
import { type Account, openSession } from './open-session.ts'
import { toOutcome } from './outcome.ts'
import { Pools } from './pools.ts'
import { presets } from './presets.ts'
import { toEnvelope } from './session.ts'
import { type Open, SessionPool } from './session-pool.ts'
import { type SmtpSettings, smtpSettings, smtpTargets } from './settings.ts'

const sessionsMaxDefault = 20

const sessionsMaxOf = ({ max_connections = sessionsMaxDefault }: SmtpSettings) => max_connections

/** Header fields that a preset's provider reads; none for an unknown server. */
function fieldsOf({ preset }: SmtpSettings, message: OutboundMessage): Field[] {
  return (preset && presets[preset].headers?.(message)) ?? []
}

/** Any submission server that speaks SMTP, over connections that are kept open. */
export function createSmtp(): Provider<SmtpCredentials, SmtpSettings> {
  const pools = new Pools()
  const tokens = createTokens()
  const poolOf = (connection: Account) =>
    pools.of(connection, '', () => new SessionPool(sessionsMaxOf(connection.settings)))
  return {
    id: 'smtp',
    description: 'Any SMTP submission server.',
    credentials: smtpCredentials,
    settings: smtpSettings,
    capabilities: {
      // Every server takes 100 in one go: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.8
      recipientsMax: 100,
      orders: [],
      // A server that does not list 8BITMIME or SMTPUTF8 is found out only then.
      rawMime: { recipients: 'envelope', eightBit: true },
      // Depends on the greeting of the server, so it is read only then.
      messageBytesMax: 40 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: true,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 0,
      metadata: false,
      tellsLimits: false,
    },
    bouncesByMail: true,
    targets: smtpTargets,
    callsMax: sessionsMaxOf,
    rest: (connection, sockets) => poolOf(connection).rest(sockets),
    send: async (message, connection, io) => {
      const pool = poolOf(connection)
      const open: Open = (used) => openSession(connection, tokens, used)
      const built = withFields(await buildMime(message), fieldsOf(connection.settings, message))
      const mime = await signMime(
        withFeedbackId(built, message),
        message.signingKeys ?? [],
        message.createdAt,
      )
      const transfer = await deliver(pool, open, toEnvelope(message, message.envelopeTo, mime), mime, io)
      return tellUnverified(toOutcome(transfer, messageIdOf(message)), message.from.address)
    },
    check: (connection, io) => checkSmtp(connection, tokens, io),
    close: () => pools.close(),
  }
}
