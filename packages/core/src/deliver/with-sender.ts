import { createHash, type KeyObject } from 'node:crypto'
import type { OutboundMessage } from '@lettergate/providers/provider'
import type { OwnDomains } from '../domains/index.ts'
import { makeOwnAddress } from '../lib/index.ts'
import type { LoadedMessage, LoadedRecipient } from './sql/load-claimed.ts'

/** Where bounces of mail that leaves as the gateway's own come back to. */
export type ReturnPaths = {
  /** Makes the addresses, so that others cannot. */
  key: KeyObject
  /** Of the operator, for senders without a domain of their own for bounces; null: bounces go to the author. */
  domain: string | null
}

/** The end of Feedback-ID: the same for all mail of this software's installations, as Gmail wants it. */
const SENDER_ID = 'lettergate'
const TENANT_CHARS = 10

function feedbackIdOf({ tenantId, stream }: Pick<LoadedMessage, 'tenantId' | 'stream'>): string {
  // Strangers read it: it says which mail is of one tenant, and not which tenant.
  const tenant = createHash('sha256').update(tenantId).digest('hex').slice(0, TENANT_CHARS)
  return `${stream}:${tenant}:${SENDER_ID}`
}

/** What a message needs besides when it leaves as the gateway's own: signatures, and addresses for bounces. */
export function withSender(
  outbound: OutboundMessage,
  message: Pick<LoadedMessage, 'tenantId' | 'messageId' | 'stream'>,
  carried: readonly LoadedRecipient[],
  domains: OwnDomains | undefined,
  returnPaths: ReturnPaths | undefined,
): OutboundMessage {
  if (!domains) return outbound
  const from = outbound.from.address
  const signed = { ...outbound, signingKeys: domains.keysOf(from), feedbackId: feedbackIdOf(message) }
  const domain = domains.returnPathDomainOf(from) ?? returnPaths?.domain ?? null
  // An empty return path is an order: nothing may come back to a report or an automatic reply.
  if (!returnPaths || domain === null || outbound.returnPath === '') return signed
  const { messageId } = message
  const addresses = carried.map(({ address, position }) => [
    address,
    makeOwnAddress(returnPaths.key, { purpose: 'bounce', messageId, position }, domain),
  ])
  return { ...signed, returnPaths: Object.fromEntries(addresses) }
}
