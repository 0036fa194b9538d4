import { coveringDomain } from '../domains/index.ts'
import type { Incompatibility } from './capabilities.ts'
import type { SendingTerms } from './sql/read-sending-terms.ts'

/** A connection whose sender is judged by us and not by a provider's account of the tenant. */
type Sending = { isPool: boolean; provider: string }

/**
 * Why these connections may not send mail from this address; null if they may. Accept and each attempt ask it, since a proof may be gone by
 * then. A provider judges the senders of a tenant's own account; for the pool, and wherever the gateway's own address speaks, the tenant
 * has to have proved the domain.
 */
export function senderFault(
  { isPool, provider }: Sending,
  fromAddress: string,
  terms: Pick<SendingTerms, 'domains' | 'isPaused'>,
  defaultFrom: string | null,
): Incompatibility | null {
  if (!isPool && provider !== 'direct') return null
  if (isPool && terms.isPaused)
    return {
      code: 'provider-required',
      pointer: '',
      detail:
        'is not sent through the shared pool, which is paused for you because too much of your mail bounced or was reported as spam, or by the operator; add a connection of your own with POST /v1/connections, or ask the operator',
    }
  const domain = fromAddress.slice(fromAddress.lastIndexOf('@') + 1)
  if (coveringDomain(domain, terms.domains) !== null) return null
  const isDefault = defaultFrom !== null && fromAddress.toLowerCase() === defaultFrom.toLowerCase()
  if (isPool && isDefault) return null
  const by = isPool ? 'the shared pool' : 'a direct connection'
  const other =
    isPool && defaultFrom !== null
      ? `, or send from ${defaultFrom}`
      : isPool
        ? ', or add a connection of your own'
        : ''
  return {
    code: 'sender-not-allowed',
    pointer: '/from',
    detail: `has the domain ${domain}, which you have not proved to be yours, as ${by} needs; add it with POST /v1/domains and publish its records${other}`,
  }
}
