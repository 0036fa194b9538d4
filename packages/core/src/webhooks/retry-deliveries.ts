import type { FeedEvent } from '../feed/index.ts'
import { loadEvents } from '../feed/index.ts'
import type { EndpointAnswer } from './call-endpoint.ts'
import { countedFailures, nextDelayMs, pauseMs, retryAfterMs } from './delivery-schedule.ts'
import { disable, disableReason } from './disable.ts'
import { isGone, isOk, makeCall } from './make-call.ts'
import type { Targets } from './open-target.ts'
import type { Calling } from './serve-endpoint.ts'
import { type ClaimedDelivery, giveBackDeliveries } from './sql/claim-deliveries.ts'
import { dropDeliveries } from './sql/drop-deliveries.ts'
import { hurryDeliveries } from './sql/hurry-deliveries.ts'
import { recordRetries, type WebhookResult } from './sql/record-results.ts'
import type { WebhookDeps } from './webhook-deps.ts'
import { numberOfType } from './webhook-id.ts'

/** Makes the call; null: there is nothing to bring any more. */
type Call = (signal: AbortSignal) => Promise<EndpointAnswer | null>

const INBOUND = numberOfType('inbound.received')
/** Answers that end the attempts where there is no endpoint to be disabled: gone, and for received mail not acceptable. */
const isRefused = (type: number, answer: EndpointAnswer): boolean =>
  isGone(answer) || (type === INBOUND && answer.status === 406)

/** Where a delivery goes; null: the endpoint is gone, so nobody waits for it. */
async function findTarget(targets: Targets, { tenantId, mode, endpointId, url }: ClaimedDelivery) {
  if (endpointId !== null) {
    const endpoint = await targets.endpoint(tenantId, endpointId)
    return (
      endpoint && {
        tenantId,
        url: endpoint.url,
        content: endpoint.content,
        isList: endpoint.max_events > 1,
        format: endpoint.format,
      }
    )
  }
  const content = await targets.ownUrls({ tenantId, mode })
  return content && url !== null ? { tenantId, url, content, isList: false, format: 'standard' } : null
}

function toResult(claimed: ClaimedDelivery, answer: EndpointAnswer): WebhookResult {
  const { tenantId, mode, endpointId, url, target, messageId, seq, type, connectionId, isBulk } = claimed
  const number = claimed.attempts + 1
  // A message's own URL that is gone has nothing to be disabled.
  const isOver = isOk(answer) || (endpointId === null && isRefused(type, answer))
  return {
    tenantId,
    mode,
    endpointId,
    url,
    target,
    messageId,
    seq,
    type,
    connectionId,
    isBulk,
    number,
    answer,
    isOk: isOk(answer),
    delivery: { id: claimed.id, epoch: claimed.epoch },
    retryMs: isOver ? null : nextDelayMs(number, retryAfterMs(answer.retryAfter, Date.now())),
  }
}

/** Disables an endpoint that is gone or had no success for long; else answers how long to leave it alone; null: it goes on. */
async function judge(
  deps: WebhookDeps,
  { endpointId: id, tenantId, failures, failingSince }: ClaimedDelivery,
  results: readonly WebhookResult[],
): Promise<number | null> {
  const failed = results.filter((one) => !one.isOk)
  if (id === null || failed.length === 0) return null
  const hasSuccess = failed.length < results.length
  const hasGone = failed.some(({ answer }) => isGone(answer))
  const reason = disableReason(hasGone, hasSuccess ? null : failingSince, Date.now())
  if (reason !== null) {
    await disable(deps, { tenantId, id }, reason)
    return null
  }
  return hasSuccess ? null : pauseMs(failures + countedFailures(failures, failed.length))
}

/** What a delivery brings; null: the event, the mail or the endpoint is gone. */
async function prepare(
  deps: WebhookDeps,
  targets: Targets,
  claimed: ClaimedDelivery,
  event: FeedEvent | null,
): Promise<Call | null> {
  if (claimed.type === INBOUND) {
    const { inbound } = deps
    if (!inbound) throw new Error('this process has no part in inbound mail')
    const { url } = claimed
    const content = await targets.ownUrls(claimed)
    if (!content || url === null) return null
    return (signal) => inbound.call({ ...claimed, url }, content, signal)
  }
  const found = event && (await findTarget(targets, claimed))
  return found && ((signal) => makeCall(deps, { ...found, target: claimed.target, events: [event] }, signal))
}

/** Tries claimed deliveries of one target, and records what came of them. Answers whether they show that an endpoint is back. */
export async function retryDeliveries(
  deps: WebhookDeps,
  targets: Targets,
  claimed: readonly ClaimedDelivery[],
  { acquire, signal, isStopping }: Calling,
): Promise<boolean> {
  const [first] = claimed
  if (!first) return false
  // The place in the feed does not matter for a row that is found already.
  const events = await loadEvents(
    deps,
    first.tenantId,
    claimed.map((one) => ({ ...one, pos: 0 })),
  )
  const results: WebhookResult[] = []
  const dropped: ClaimedDelivery[] = []
  const untried: ClaimedDelivery[] = []
  async function retry(one: ClaimedDelivery, event: FeedEvent | null): Promise<void> {
    const call = await prepare(deps, targets, one, event)
    if (!call) {
      dropped.push(one)
      return
    }
    const release = await acquire(one.tenantId)
    try {
      if (!release || isStopping()) {
        untried.push(one)
        return
      }
      const answer = await call(signal)
      if (answer === null) dropped.push(one)
      else if (signal.aborted && answer.status === null) untried.push(one)
      else results.push(toResult(one, answer))
    } finally {
      release?.()
    }
  }
  const settled = await Promise.allSettled(claimed.map((one, index) => retry(one, events[index] ?? null)))
  for (const one of settled) if (one.status === 'rejected') deps.onError(one.reason)
  await deps.failpoint('after_webhooks_before_record')
  await recordRetries(deps.pool, results, await judge(deps, first, results))
  for (const { delivery, type, isOk: isDone, retryMs } of results) {
    const one = claimed.find(({ id }) => id === delivery?.id)
    if (one && type === INBOUND && !isDone && retryMs === null) await deps.inbound?.givenUp(one)
  }
  const { tenantId, endpointId } = first
  const isBack = endpointId !== null && first.failures > 0 && results.some((one) => one.isOk)
  if (isBack) await hurryDeliveries(deps.pool, tenantId, endpointId)
  await dropDeliveries(deps.pool, dropped)
  await giveBackDeliveries(deps.pool, untried)
  return isBack
}
