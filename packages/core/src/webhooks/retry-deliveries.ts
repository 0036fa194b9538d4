import type { FeedEvent } from '../feed/index.ts'
import { loadEvents } from '../feed/index.ts'
import type { EndpointAnswer } from './call-endpoint.ts'
import { countedFailures, endpointPauseMs } from './delivery-schedule.ts'
import { disable, disableReason } from './disable.ts'
import { isGone, isOk, makeCall } from './make-call.ts'
import type { Targets } from './open-target.ts'
import type { ClaimedDelivery, ListedDelivery } from './sql/claim-deliveries.ts'
import { dissolveList, dropDeliveries, giveBackDeliveries } from './sql/end-claims.ts'
import { hurryDeliveries } from './sql/hurry-deliveries.ts'
import { recordRetries } from './sql/record-results.ts'
import { eventsOf, INBOUND, toResults } from './to-results.ts'
import type { WebhookDeps } from './webhook-deps.ts'

export type Calling = {
  /** A slot for one call of the tenant; null: the process ends, and no call begins any more. */
  acquire(tenantId: string): Promise<(() => void) | null>
  /** Aborts the calls. */
  signal: AbortSignal
  isStopping(): boolean
}

/** Makes the call; null: there is nothing to bring any more. */
type Call = (signal: AbortSignal) => Promise<EndpointAnswer | null>

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

/** How calls to an endpoint go, as far as this worker knows. */
type Health = Pick<ClaimedDelivery, 'failures' | 'failingSince'>
/** What came of a call. */
type Called = { claimed: ClaimedDelivery; answer: EndpointAnswer }

/** Disables an endpoint that is gone or had no success for long; else answers how long to leave it alone; null: it goes on. */
async function judge(
  deps: WebhookDeps,
  { endpointId: id, tenantId }: ClaimedDelivery,
  health: Health,
  calls: readonly Called[],
): Promise<number | null> {
  const failed = calls.filter(({ answer }) => !isOk(answer))
  if (id === null) return null
  const hasSuccess = failed.length < calls.length
  const before = health.failures
  if (hasSuccess) Object.assign(health, { failures: 0, failingSince: null })
  if (failed.length === 0) return null
  const hasGone = failed.some(({ answer }) => isGone(answer))
  const reason = disableReason(hasGone, health.failingSince, Date.now())
  if (reason !== null) {
    await disable(deps, { tenantId, id }, reason)
    return null
  }
  if (hasSuccess) return null
  health.failures = before + countedFailures(before, failed.length)
  return endpointPauseMs(health.failures, failed.at(-1)?.answer.retryAfter ?? null, Date.now())
}

/** What a delivery brings; null: the event, the mail or the endpoint is gone. */
async function prepare(
  deps: WebhookDeps,
  targets: Targets,
  claimed: ClaimedDelivery,
  events: readonly FeedEvent[],
): Promise<Call | null> {
  if (claimed.type === INBOUND) {
    const { inbound } = deps
    if (!inbound) throw new Error('this process has no part in inbound mail')
    const { url } = claimed
    const content = await targets.ownUrls(claimed)
    if (!content || url === null) return null
    return (signal) => inbound.call({ ...claimed, url }, content, signal)
  }
  const found = events.length > 0 ? await findTarget(targets, claimed) : null
  if (!found) return null
  const isList = found.isList || claimed.list !== null
  return (signal) => makeCall(deps, { ...found, isList, target: claimed.target, events }, signal)
}

async function loadOf(
  deps: WebhookDeps,
  tenantId: string,
  claimed: readonly ClaimedDelivery[],
): Promise<Map<ClaimedDelivery, (FeedEvent | null)[]>> {
  // The place in the feed does not matter for a row that is found already.
  const rows = claimed.flatMap((one) => eventsOf(one).map((event) => ({ ...event, pos: 0 })))
  const events = await loadEvents(deps, tenantId, rows)
  let at = 0
  return new Map(
    claimed.map((one) => {
      const count = eventsOf(one).length
      at += count
      return [one, events.slice(at - count, at)]
    }),
  )
}

/**
 * Tries claimed deliveries of one target. A call is recorded as soon as it ends, together with those that ended meanwhile, so that a slow one
 * holds no place but its own; `onRecorded` is given how many places are free. Answers whether they show that an endpoint is back.
 */
export async function retryDeliveries(
  deps: WebhookDeps,
  targets: Targets,
  claimed: readonly ClaimedDelivery[],
  { acquire, signal, isStopping }: Calling,
  onRecorded: (calls: number) => void,
): Promise<boolean> {
  const [first] = claimed
  if (!first) return false
  const owner = first
  const { tenantId, endpointId } = owner
  const health: Health = { failures: first.failures, failingSince: first.failingSince }
  const loaded = await loadOf(deps, tenantId, claimed)
  const dropped: { id: string; epoch: number }[] = []
  const drop = (gone: readonly ListedDelivery[], { epoch }: ClaimedDelivery) =>
    dropped.push(...gone.map(({ id }) => ({ id, epoch })))
  const untried: ClaimedDelivery[] = []
  const called: Called[] = []
  let recording: Promise<void> | null = null
  let isBack = false

  async function recordSome(now: readonly Called[]): Promise<void> {
    await deps.failpoint('after_webhooks_before_record')
    const results = now.flatMap(({ claimed, answer }) => toResults(claimed, answer))
    await recordRetries(deps.pool, results, await judge(deps, owner, health, now))
    for (const { claimed: one, answer } of now) {
      const isLast = results.some(({ id, retryMs }) => id === one.id && retryMs === null)
      if (one.type === INBOUND && isLast && !isOk(answer)) await deps.inbound?.givenUp(one)
    }
    const mayBeBack = !isBack && endpointId !== null && owner.failures > 0
    if (mayBeBack && now.some(({ answer }) => isOk(answer))) {
      isBack = true
      await hurryDeliveries(deps.pool, tenantId, endpointId)
    }
    onRecorded(now.length)
  }

  async function record(): Promise<void> {
    try {
      while (called.length > 0) await recordSome(called.splice(0))
    } finally {
      recording = null
    }
  }

  async function retry(one: ClaimedDelivery): Promise<void> {
    const found = loaded.get(one) ?? []
    const events = found.filter((event) => event !== null)
    if (one.list && events.length < found.length) {
      drop(
        eventsOf(one).filter((_, index) => found[index] === null),
        one,
      )
      await dissolveList(deps.pool, one)
      return
    }
    const call = await prepare(deps, targets, one, events)
    if (!call) {
      drop(eventsOf(one), one)
      return
    }
    const release = await acquire(one.tenantId)
    try {
      if (!release || isStopping()) {
        untried.push(one)
        return
      }
      const answer = await call(signal)
      if (answer === null) drop(eventsOf(one), one)
      else if (signal.aborted && answer.status === null) untried.push(one)
      else called.push({ claimed: one, answer })
    } finally {
      release?.()
    }
    if (called.length > 0) recording ??= record()
    await recording
  }

  const settled = await Promise.allSettled(claimed.map(retry))
  const errors = new Set(settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : [])))
  for (const error of errors) deps.onError(error)
  await dropDeliveries(deps.pool, dropped)
  await giveBackDeliveries(deps.pool, untried)
  return isBack
}
