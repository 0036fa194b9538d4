import { hash, type KeyObject } from 'node:crypto'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { takeOut } from '@lettergate/providers/raw-mime/read-mime'
import type { Submit } from '../accept/index.ts'
import { makeOwnAddress } from '../lib/index.ts'
import type { Authentication } from './authenticate.ts'
import { forgedResults } from './forged-results.ts'
import { headOf } from './head-of.ts'
import { deliveredTo } from './loop.ts'
import type { ClaimedInbound } from './sql/claim-inbound.ts'
import { type DoneAction, doneAction } from './stored-action.ts'

const date = (at: Date): string => at.toUTCString().replace('GMT', '+0000')
const clean = (text: string): string => text.replace(/[^\x21-\x7e]/g, '?').slice(0, 255)

/** The mail as it is sent on: ours on top, forged results of ours out, and every other byte as it was. */
export function forwardedMail(
  { id, recipient, helo, remoteAddress, receivedAt }: Omit<ClaimedInbound, 'raw'>,
  raw: Buffer,
  authentication: Authentication,
  mta: string,
): Buffer {
  const top =
    deliveredTo(recipient) +
    `Received: from ${clean(helo) || 'unknown'} ([${clean(remoteAddress)}])\r\n by ${mta} with ESMTP id ${toPublicId('inb', id)};\r\n ${date(receivedAt)}\r\n` +
    authentication.header
  return Buffer.concat([Buffer.from(top), takeOut(raw, forgedResults(headOf(raw), mta))])
}

/** Each copy has one recipient, so a bounce that comes to it is about that one. */
const returnPathOf = (key: KeyObject, domain: string) => (messageId: string) =>
  makeOwnAddress(key, { purpose: 'bounce', messageId, position: 0 }, domain)

/** The gateway cannot take it now: the mail is acted on again later. */
export class ForwardUnavailable extends Error {}

/**
 * Sends a mail on through the tenant's own connections, as any message: suppressed addresses get none, and a repeat is recognised. The
 * envelope keeps an empty sender; otherwise bounces come back to an address of ours.
 */
export async function forwardMail(
  deps: { submit: Submit; mta: string; keys: readonly KeyObject[] },
  claimed: ClaimedInbound,
  raw: Buffer,
  authentication: Authentication,
  to: readonly string[],
): Promise<DoneAction> {
  const { tenantId, mode, id, run, sender } = claimed
  const detail = to.join(', ')
  const [key] = deps.keys
  const mime = forwardedMail(claimed, raw, authentication, deps.mta)
  const outcome = await deps.submit({
    tenant: { id: tenantId, mode },
    messages: to.map((address) => ({
      kind: 'mime' as const,
      mime,
      envelope: { from: '', recipients: [address] },
      options: {
        tags: ['inbound-forward'],
        metadata: { inbound: toPublicId('inb', id) },
        stream: 'transactional' as const,
        ...(sender !== '' && key && { makeReturnPath: returnPathOf(key, deps.mta) }),
      },
    })),
    atomic: true,
    idempotency: {
      key: `${id} ${run} ${detail}`,
      route: 'inbound forward',
      bodyHash: hash('sha256', `${id} ${run} ${detail}`, 'buffer'),
    },
  })
  if (outcome.kind === 'unavailable') throw new ForwardUnavailable(outcome.problem.message)
  if (outcome.kind === 'refused') {
    return doneAction('forward', { state: 'failed', detail: `${detail}: ${outcome.problem.detail}` })
  }
  const [first] = outcome.kind === 'none-accepted' ? outcome.problems : outcome.results
  if (first === undefined || first instanceof Problem) {
    return doneAction('forward', { state: 'failed', detail: `${detail}: ${first?.detail ?? 'not accepted'}` })
  }
  return doneAction('forward', { detail, message_id: toPublicId('msg', first.id) })
}
