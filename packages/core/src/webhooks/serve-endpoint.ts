import { setTimeout as sleep } from 'node:timers/promises'
import type { FeedBatch, FeedEvent, FeedWindow } from '../feed/index.ts'
import type { EndpointAnswer } from './call-endpoint.ts'
import { countedFailures, endpointPauseMs, FAILURES_BEFORE_PAUSE, retryAfterMs } from './delivery-schedule.ts'
import { disable, disableReason } from './disable.ts'
import { isGone, isOk, makeCall } from './make-call.ts'
import type { OpenEndpoint, Targets } from './open-target.ts'
import { passPage, type Served } from './pass-page.ts'
import { readPage, readStoredWindow } from './read-page.ts'
import type { Calling } from './retry-deliveries.ts'
import type { ClaimedDelivery } from './sql/claim-deliveries.ts'
import { giveBackDeliveries } from './sql/end-claims.ts'
import { hurryDeliveries } from './sql/hurry-deliveries.ts'
import type { Lease } from './sql/lease-state.ts'
import { type PageHealth, recordPage, recordRetries } from './sql/record-results.ts'
import { toListed, toResults } from './to-results.ts'
import type { WebhookDeps } from './webhook-deps.ts'

/** Called and not yet recorded, at most, slow calls and repeats among them: what a lost worker repeats. */
const PAGE = 64
/** Events that are read together: a statement that reads them opens each day of their messages, so few of them cost about as much as many. */
const READ = 256
/** A page is recorded without the calls that take longer, once all of it was begun. */
const SLOW_MS = 1_000

function isWanted({ tags, streams }: OpenEndpoint, event: FeedEvent): boolean {
  // An event of the account has neither.
  if (event.messageId === null) return true
  if (streams?.length && !streams.includes(event.stream)) return false
  return !tags?.length || tags.some((tag) => event.tags.includes(tag))
}

/** Events of one call, and the window behind the last of them. */
type Step = { events: [FeedEvent, ...FeedEvent[]]; after: FeedWindow }

function toSteps(endpoint: OpenEndpoint, { events, afters }: FeedBatch): Step[] {
  const steps: Step[] = []
  for (const [index, event] of events.entries()) {
    const after = afters[index]
    if (!after || !isWanted(endpoint, event)) continue
    const last = steps.at(-1)
    if (last && last.events.length < endpoint.max_events) {
      last.events.push(event)
      last.after = after
    } else steps.push({ events: [event], after })
  }
  return steps
}

/** Whether the endpoint wants to wait for more events before its next call. */
function isShort({ max_events, max_wait_ms }: OpenEndpoint, [first, second]: readonly Step[]): boolean {
  return max_wait_ms > 0 && second === undefined && first !== undefined && first.events.length < max_events
}

/** A lease with events behind its cursor that were read already, and the types that they were chosen by. */
export type ReadingLease = Lease & { endpointId: string; ahead?: { batch: FeedBatch; types: string } | null }

/** The next events of an endpoint, at most `limit`: those that are read already, else more of the feed. */
async function nextPage(
  deps: WebhookDeps,
  lease: ReadingLease,
  { types }: OpenEndpoint,
  window: FeedWindow,
  limit: number,
): Promise<FeedBatch> {
  const chosenBy = JSON.stringify(types)
  const known = lease.ahead?.types === chosenBy ? lease.ahead.batch : null
  lease.ahead = null
  const count = lease.failures > 0 ? limit : Math.max(READ, limit)
  const { events, afters, next, hasMore } = known ?? (await readPage(deps, lease, window, types, count))
  const last = afters[limit - 1]
  if (!last || events.length <= limit) return { events, afters, next, hasMore }
  const batch = { events: events.slice(limit), afters: afters.slice(limit), next, hasMore }
  lease.ahead = { batch, types: chosenBy }
  return { events: events.slice(0, limit), afters: afters.slice(0, limit), next: last, hasMore: true }
}

/** A call that was begun; without an answer it is under way, or was given up because the process ends. */
type Begun = {
  claimed: ClaimedDelivery
  after: FeedWindow
  answer: EndpointAnswer | null
  end: Promise<void>
}
type Answered = Begun & { answer: EndpointAnswer }

const isAnswered = (one: Begun): one is Answered => one.answer !== null

/** A step as a row of the record, if it becomes one: held by this worker from the start, under the epoch of its lease. */
function toClaimed(lease: ReadingLease, [first, ...more]: Step['events']): ClaimedDelivery {
  const { tenantId, mode, endpointId, epoch, failures, failingSince } = lease
  return {
    ...toListed(first),
    tenantId,
    mode,
    endpointId,
    url: null,
    target: endpointId,
    attempts: 0,
    epoch,
    failures,
    failingSince,
    list: more.length > 0 ? more.map(toListed) : null,
  }
}

/**
 * Begins the calls in order; stops at the first failures of an endpoint without a success. Ends when all calls have ended, or earlier where
 * the rest of them is slow: a single slow call must not hold up what comes after it. What was begun is a prefix of the steps.
 */
async function callAll(
  deps: WebhookDeps,
  lease: ReadingLease,
  endpoint: OpenEndpoint,
  steps: readonly Step[],
  calling: PageCalling,
  isAsItWas: () => Promise<boolean>,
): Promise<Begun[]> {
  const { signal } = calling
  const begun: Begun[] = []
  const startedAt = performance.now()
  let failures = lease.failures
  let isOver = false

  async function call(one: Begun, { events }: Step, finish: (isOk: boolean) => void): Promise<void> {
    try {
      const answer = await makeCall(
        deps,
        {
          tenantId: lease.tenantId,
          url: endpoint.url,
          target: lease.endpointId,
          content: endpoint.content,
          format: endpoint.format,
          events,
          isList: endpoint.max_events > 1,
        },
        signal,
      )
      // Given up because the process ends: it counts as not made, and is repeated.
      if (signal.aborted && answer.status === null) return
      one.answer = answer
      failures = isOk(answer) ? 0 : failures + 1
      if (isGone(answer) || failures >= FAILURES_BEFORE_PAUSE) isOver = true
    } finally {
      finish(one.answer !== null && isOk(one.answer))
    }
  }

  for (const step of steps) {
    const finish = await calling.begin()
    if (!finish) break
    const isLong = begun.length > 0 && performance.now() - startedAt > SLOW_MS
    if (isOver || signal.aborted || (isLong && calling.isPlaceWanted()) || !(await isAsItWas())) {
      finish(false)
      break
    }
    const one: Begun = {
      claimed: toClaimed(lease, step.events),
      after: step.after,
      answer: null,
      end: Promise.resolve(),
    }
    one.end = call(one, step, finish)
    // An error is thrown below, once the other calls have begun.
    one.end.catch(() => undefined)
    begun.push(one)
  }
  const all = Promise.all(begun.map(({ end }) => end)).then(() => true)
  while (!(await Promise.race([all, sleep(SLOW_MS, false, { ref: false })])))
    if (lease.failures === 0 && calling.inDoubt() < FAILURES_BEFORE_PAUSE) break
  const end = signal.aborted ? begun.findIndex((one) => !isAnswered(one)) : -1
  return begun.slice(0, end < 0 ? undefined : end)
}

function toHealth(lease: Lease, answers: readonly EndpointAnswer[]): PageHealth {
  const lastSuccess = answers.findLastIndex(isOk)
  const hasSuccess = lastSuccess >= 0
  const before = hasSuccess ? 0 : lease.failures
  const failures = countedFailures(before, answers.length - 1 - lastSuccess)
  const asked = answers.at(-1)?.retryAfter ?? null
  const pauseMs = failures > 0 ? endpointPauseMs(before + failures, asked, Date.now()) : null
  return { hasSuccess, failures, pauseMs }
}

export type PageCalling = Pick<Calling, 'signal' | 'isStopping'> & {
  /** Room for one call to the endpoint, with what ends it; null: the process ends, and no call begins any more. */
  begin(): Promise<((isOk: boolean) => void) | null>
  /** Calls to the endpoint under way since which none has succeeded. */
  inDoubt(): number
  /** Whether others wait for its place: a page that takes long stops early then. */
  isPlaceWanted(): boolean
  /** Calls to the endpoint that are not of its page, until they are recorded. */
  inHand(): number
  /** Has this call in hand until its record, though its page is over. */
  keep(slow: ClaimedDelivery, recorded: Promise<void>): void
}

/**
 * Records the end of a call that outlived its page. Its failure says nothing of the endpoint, unless it asks for a wait: others have succeeded
 * since, or too few calls are without an answer to judge by.
 */
async function recordSlow(deps: WebhookDeps, slow: Begun): Promise<void> {
  await slow.end
  const { claimed, answer } = slow
  if (answer === null) return giveBackDeliveries(deps.pool, [claimed])
  await deps.failpoint('after_webhooks_before_record')
  const asked = isOk(answer) ? null : retryAfterMs(answer.retryAfter, Date.now())
  await recordRetries(deps.pool, toResults(claimed, answer), asked, asked !== null)
  const reason = disableReason(isGone(answer), null, Date.now())
  if (reason !== null) await disable(deps, { tenantId: claimed.tenantId, id: claimed.target }, reason)
}

/** Serves one page of an endpoint: reads, calls, records. `lease` is kept up to date. `isHoldOver`: it has waited for more events already. */
export async function servePage(
  deps: WebhookDeps,
  targets: Targets,
  lease: ReadingLease,
  calling: PageCalling,
  isHoldOver: boolean,
): Promise<Served> {
  const { tenantId, endpointId } = lease
  const endpoint = await targets.endpoint(tenantId, endpointId)
  if (!endpoint?.enabled) return 'ended'
  const window = readStoredWindow(lease.cursor)
  const limit =
    lease.failures > 0 ? endpoint.max_events : Math.max(PAGE - calling.inHand(), endpoint.max_events)
  const page = await nextPage(deps, lease, endpoint, window, limit)
  const steps = toSteps(endpoint, page)
  if (steps.length === 0) return passPage(deps, lease, window, page, [])
  if (!isHoldOver && !page.hasMore && lease.failures === 0 && isShort(endpoint, steps)) {
    return { holdMs: endpoint.max_wait_ms }
  }
  // What cannot be read ends the page, as a change does: the next one begins with what is true then.
  const isAsItWas = () =>
    targets.endpoint(tenantId, endpointId).then(
      (now) => now?.enabled === true && now.version === endpoint.version,
      () => false,
    )
  const begun = await callAll(deps, lease, endpoint, steps, calling, isAsItWas)
  await deps.failpoint('after_webhooks_before_record')
  const isWhole = begun.length === steps.length
  // The cursor stays before events that were read.
  if (!isWhole) lease.ahead = null
  const cursor = JSON.stringify(isWhole ? page.next : (begun.at(-1)?.after ?? window))
  const [answered, slow] = [begun.filter(isAnswered), begun.filter((one) => !isAnswered(one))]
  const answers = answered.map(({ answer }) => answer)
  const health = toHealth(lease, answers)
  const results = begun.flatMap(({ claimed, answer }) => toResults(claimed, answer))
  if (!(await recordPage(deps.pool, lease, cursor, health, results))) return 'ended'
  for (const one of slow) calling.keep(one.claimed, recordSlow(deps, one))
  lease.cursor = cursor
  if (health.hasSuccess) lease.failingSince = null
  if (health.hasSuccess && lease.failures > 0) await hurryDeliveries(deps.pool, tenantId, endpointId)
  lease.failures = (health.hasSuccess ? 0 : lease.failures) + health.failures
  if (health.failures > 0) {
    const reason = disableReason(answers.some(isGone), lease.failingSince, Date.now())
    if (reason !== null) {
      await disable(deps, { tenantId, id: endpointId }, reason)
      return 'ended'
    }
  }
  if (health.pauseMs !== null || calling.isStopping()) return 'ended'
  return isWhole && !page.hasMore ? 'idle' : 'more'
}
