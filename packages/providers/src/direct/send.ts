import { buildMime, messageIdOf } from '../lib/mime.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { Io, OutboundMessage, ProviderConnection, SendOutcome } from '../provider.ts'
import { deliver } from '../smtp/deliver.ts'
import { withFeedbackId } from '../smtp/header-fields.ts'
import type { Pools } from '../smtp/pools.ts'
import { toEnvelope } from '../smtp/session.ts'
import { type Open, SessionPool } from '../smtp/session-pool.ts'
import { keysOf, signMime } from './dkim.ts'
import { openSession, type Ways } from './open-session.ts'
import { type Result, toOutcome, toResults } from './outcome.ts'
import type { DirectCredentials, DirectSettings } from './settings.ts'

const sessionsMaxDefault = 5

export type Connection = ProviderConnection<DirectCredentials, DirectSettings>

/** One transaction with a mail host of each domain, all at the same time: a slow domain delays no other. */
export async function sendDirectly(
  message: OutboundMessage,
  connection: Connection,
  pools: Pools,
  ways: Ways,
  io: Io,
): Promise<SendOutcome> {
  const { credentials, settings } = connection
  let mime = withFeedbackId(await buildMime(message), message)
  try {
    mime = await signMime(mime, keysOf(message, credentials.dkim ?? []), message.createdAt)
  } catch (error) {
    return toFailure('provider-credentials-refused', `the DKIM key cannot be used: ${String(error)}`)
  }
  const all = Object.entries(Object.groupBy(message.envelopeTo, domainOf))
  const results = await Promise.all(
    all.map(async ([domain, addresses = []]): Promise<Result[]> => {
      const sessionsMax = settings.max_connections ?? sessionsMaxDefault
      const pool = pools.of(connection, domain, () => new SessionPool(sessionsMax))
      const open: Open = (used) => openSession(domain, settings, ways, used)
      const transfer = await deliver(pool, open, toEnvelope(message, addresses, mime), mime, io)
      return toResults(transfer, addresses)
    }),
  )
  return toOutcome(results.flat(), messageIdOf(message))
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase()
}
