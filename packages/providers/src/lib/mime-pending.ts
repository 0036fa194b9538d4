import type { Mailbox, OutboundMessage } from '../provider.ts'
import { EncodeFailed } from './encode-large.ts'
import { buildMime } from './mime.ts'

/**
 * The mail for a provider that reads the recipients from its header fields: To and Cc name only those that are still to be
 * reached, and Bcc, which the provider removes, comes before all other fields.
 */
export async function buildPendingMime(message: OutboundMessage): Promise<Buffer> {
  const pending = new Set(message.envelopeTo)
  const named = [...message.to, ...message.cc]
  if (message.raw && named.some(({ address }) => !pending.has(address)))
    throw new EncodeFailed('the mail names somebody who got it before')
  const reach = (mailboxes: Mailbox[]) => mailboxes.filter(({ address }) => pending.has(address))
  // Without Bcc there is no substitute for To: such a provider does not read an empty group.
  const mime = await buildMime({ ...message, to: reach(message.to), cc: reach(message.cc), bcc: [] })
  const bcc = reach(message.bcc).map(({ address }) => address)
  return bcc.length === 0 ? mime : Buffer.concat([Buffer.from(`Bcc: ${bcc.join(',\r\n ')}\r\n`), mime])
}
