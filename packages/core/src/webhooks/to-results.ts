import { newId } from '@lettergate/contracts/lib/ids'
import { numberOfType } from '@lettergate/contracts/messages/event-types'
import type { FeedEvent } from '../feed/index.ts'
import type { EndpointAnswer } from './call-endpoint.ts'
import { nextDelayMs, retryAfterMs } from './delivery-schedule.ts'
import { isGone, isOk } from './make-call.ts'
import type { ClaimedDelivery, ListedDelivery } from './sql/claim-deliveries.ts'
import type { WebhookResult } from './sql/record-results.ts'

/** An event as it is stored with a delivery of its own. */
export const toListed = (event: FeedEvent): ListedDelivery => ({
  id: newId(),
  messageId: event.messageId,
  seq: event.seq,
  type: numberOfType(event.type),
  connectionId: event.connectionId,
  isBulk: event.stream === 'bulk',
})

export const INBOUND = numberOfType('inbound.received')

/** All events of a call. */
export const eventsOf = (claimed: ClaimedDelivery): ListedDelivery[] => [claimed, ...(claimed.list ?? [])]

/** Answers that end the attempts where there is no endpoint to be disabled: gone, and for received mail not acceptable. */
const isRefused = (type: number, answer: EndpointAnswer): boolean =>
  isGone(answer) || (type === INBOUND && answer.status === 406)

/** The results of one call: one for each of its events. Without an answer, it is under way: they are the deliveries that it will end. */
export function toResults(claimed: ClaimedDelivery, answer: EndpointAnswer | null): WebhookResult[] {
  const { tenantId, mode, endpointId, url, target, type, epoch } = claimed
  const number = answer ? claimed.attempts + 1 : claimed.attempts
  // A message's own URL that is gone has nothing to be disabled.
  const isOver = !answer || isOk(answer) || (endpointId === null && isRefused(type, answer))
  const retryMs = isOver ? null : nextDelayMs(number, retryAfterMs(answer.retryAfter, Date.now()))
  return eventsOf(claimed).map((one, place) => ({
    tenantId,
    mode,
    endpointId,
    url,
    target,
    ...one,
    epoch,
    number,
    answer,
    list: claimed.list && { id: claimed.id, place },
    retryMs,
  }))
}
