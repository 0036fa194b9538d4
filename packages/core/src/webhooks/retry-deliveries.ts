import type { FeedEvent } from '../feed/index.ts'
import { loadEvents } from '../feed/index.ts'
import type { EndpointAnswer } from './call-endpoint.ts'
import { nextDelayMs, pauseMs, retryAfterMs } from './delivery-schedule.ts'
import { disable, disableReason } from './disable.ts'
import { isGone, isOk, makeCall } from './make-call.ts'
import type { Targets } from './open-target.ts'
import type { Calling } from './serve-endpoint.ts'
import { type ClaimedDelivery, giveBackDeliveries } from './sql/claim-deliveries.ts'
import { dropDeliveries } from './sql/drop-deliveries.ts'
import { pauseState } from './sql/pause-state.ts'
import { recordRetries, type WebhookResult } from './sql/record-results.ts'
import type { WebhookDeps } from './webhook-deps.ts'

type Call = { claimed: ClaimedDelivery; event: FeedEvent }

async function load(deps: WebhookDeps, claimed: readonly ClaimedDelivery[]): Promise<(Call | null)[]> {
  const calls = new Map<ClaimedDelivery, Call | null>()
  for (const [tenantId, own] of Map.groupBy(claimed, (one) => one.tenantId)) {
    const rows = own.map(({ seq, messageId, connectionId, type, isBulk }) => ({
      pos: 0,
      seq,
      messageId,
      connectionId,
      type,
      isBulk,
    }))
    const events = await loadEvents(deps, tenantId, rows)
    for (const [index, one] of own.entries()) {
      const event = events[index]
      calls.set(one, event ? { claimed: one, event } : null)
    }
  }
  return claimed.map((one) => calls.get(one) ?? null)
}

/** Where a delivery goes; null: the endpoint is gone, so nobody waits for it. */
async function findTarget(targets: Targets, { tenantId, mode, endpointId, url }: ClaimedDelivery) {
  if (endpointId !== null) {
    const endpoint = await targets.endpoint(tenantId, endpointId)
    return endpoint && { url: endpoint.url, content: endpoint.content, isList: endpoint.max_events > 1 }
  }
  const content = await targets.ownUrls(tenantId, mode)
  return content && url !== null ? { url, content, isList: false } : null
}

function toResult({ claimed }: Call, answer: EndpointAnswer): WebhookResult {
  const { tenantId, mode, endpointId, url, target, messageId, seq, type, connectionId, isBulk } = claimed
  const number = claimed.attempts + 1
  // A message's own URL that is gone has nothing to be disabled.
  const isOver = isOk(answer) || (endpointId === null && isGone(answer))
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

/** Pauses or disables an endpoint whose repeat failed too. */
async function judge(deps: WebhookDeps, { claimed }: Call, answer: EndpointAnswer): Promise<void> {
  const { endpointId: id, tenantId } = claimed
  if (id === null || isOk(answer)) return
  const reason = disableReason(isGone(answer), claimed.failingSince, Date.now())
  if (reason !== null) return await disable(deps, { tenantId, id }, reason)
  const ms = pauseMs(claimed.failures + 1)
  if (ms !== null) await pauseState(deps.pool, id, ms)
}

/** Tries claimed deliveries, and records what came of them. */
export async function retryDeliveries(
  deps: WebhookDeps,
  targets: Targets,
  claimed: readonly ClaimedDelivery[],
  { acquire, signal, isStopping }: Calling,
): Promise<void> {
  const calls = await load(deps, claimed)
  const results: WebhookResult[] = []
  const dropped: ClaimedDelivery[] = []
  const untried: ClaimedDelivery[] = []
  async function retry(one: ClaimedDelivery, call: Call | null): Promise<void> {
    const found = call && (await findTarget(targets, one))
    if (!call || !found) {
      dropped.push(one)
      return
    }
    const release = await acquire(one.tenantId)
    if (!release) {
      untried.push(one)
      return
    }
    try {
      const answer = isStopping()
        ? null
        : await makeCall(deps, { ...found, target: one.target, events: [call.event] }, signal)
      if (answer === null || (signal.aborted && answer.status === null)) {
        untried.push(one)
        return
      }
      results.push(toResult(call, answer))
      await judge(deps, call, answer)
    } finally {
      release()
    }
  }
  const settled = await Promise.allSettled(claimed.map((one, index) => retry(one, calls[index] ?? null)))
  for (const one of settled) if (one.status === 'rejected') deps.onError(one.reason)
  await deps.failpoint('after_webhooks_before_record')
  await recordRetries(deps.pool, results)
  await dropDeliveries(deps.pool, dropped)
  await giveBackDeliveries(deps.pool, untried)
}
