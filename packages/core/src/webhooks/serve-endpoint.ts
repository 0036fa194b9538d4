import { newId } from '@lettergate/contracts/lib/ids'
import { isEventType } from '@lettergate/contracts/messages/event-types'
import { Problem } from '@lettergate/contracts/problems/problems'
import { z } from 'zod'
import {
  BEGINNING,
  type FeedBatch,
  type FeedEvent,
  type FeedReader,
  type FeedWindow,
  readFeedFrom,
} from '../feed/index.ts'
import type { EndpointAnswer } from './call-endpoint.ts'
import {
  countedFailures,
  FAILURES_BEFORE_PAUSE,
  nextDelayMs,
  pauseMs,
  retryAfterMs,
} from './delivery-schedule.ts'
import { disable, disableReason } from './disable.ts'
import { isGone, isOk, makeCall } from './make-call.ts'
import type { OpenEndpoint, Targets } from './open-target.ts'
import { hurryDeliveries } from './sql/hurry-deliveries.ts'
import type { Lease } from './sql/lease-state.ts'
import { type PageHealth, recordPage, type WebhookResult } from './sql/record-results.ts'
import type { WebhookDeps } from './webhook-deps.ts'
import { numberOfType } from './webhook-id.ts'

/** Called and not yet recorded, at most: what a lost worker repeats. */
const PAGE = 64
/** Events that are read together: a statement that reads them opens each day of their messages, so few of them cost about as much as many. */
const READ = 256
/** Concurrent calls to one endpoint. */
const CALLS = 8
/** A cursor that stands still is moved this often, since the days behind it are dropped. */
const IDLE_CURSOR_MS = 600_000

const Moment = z.object({ snapshot: z.string(), base: z.number(), atMs: z.number() })
const StoredWindow = z.object({
  from: Moment,
  to: Moment.nullable(),
  reached: z.tuple([z.number(), z.number()]),
})

/** The window in a stored cursor. */
export function readStoredWindow(cursor: string): FeedWindow {
  return StoredWindow.parse(JSON.parse(cursor))
}

/** A page behind the window. A cursor older than the feed goes on with the oldest event that is kept: it has seen none of those. */
export async function readPage(
  deps: Pick<WebhookDeps, 'tenants' | 'feedDays'>,
  reader: FeedReader,
  window: FeedWindow,
  types: OpenEndpoint['types'],
  limit: number,
): Promise<FeedBatch> {
  const filter = { types: types?.length ? types.filter(isEventType) : undefined }
  const read = (from: FeedWindow) =>
    readFeedFrom({ tenants: deps.tenants, keptDays: deps.feedDays }, reader, from, filter, limit)
  try {
    return await read(window)
  } catch (error) {
    if (error instanceof Problem && error.code === 'cursor-expired') return await read(BEGINNING)
    throw error
  }
}

function isWanted({ tags, streams }: OpenEndpoint, event: FeedEvent): boolean {
  // An event of the account has neither.
  if (event.messageId === null) return true
  if (streams?.length && !streams.includes(event.stream)) return false
  return !tags?.length || tags.some((tag) => event.tags.includes(tag))
}

/** Events of one call, and the window behind the last of them. */
type Step = { events: FeedEvent[]; after: FeedWindow }

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

type Tried = { step: Step; answer: EndpointAnswer }

/** Calls in order, some at once; stops at the first failures of an endpoint without a success. What was begun is a prefix of the steps. */
async function callAll(
  deps: WebhookDeps,
  lease: Lease & { endpointId: string },
  endpoint: OpenEndpoint,
  steps: readonly Step[],
  { acquire, signal }: Calling,
): Promise<Tried[]> {
  const tried: (Tried | undefined)[] = []
  let next = 0
  let failures = lease.failures
  let isOver = false
  async function lane(): Promise<void> {
    for (;;) {
      const release = await acquire(lease.tenantId)
      if (!release) return
      try {
        const index = next
        const step = steps[index]
        if (!step || isOver || signal.aborted) return
        next++
        const answer = await makeCall(
          deps,
          {
            tenantId: lease.tenantId,
            url: endpoint.url,
            target: lease.endpointId,
            content: endpoint.content,
            format: endpoint.format,
            events: step.events,
            isList: endpoint.max_events > 1,
          },
          signal,
        )
        // Given up because the process ends: it counts as not made, and is repeated.
        if (signal.aborted && answer.status === null) return
        tried[index] = { step, answer }
        if (isOk(answer)) failures = 0
        else failures += 1
        if (isGone(answer) || failures >= FAILURES_BEFORE_PAUSE) isOver = true
      } finally {
        release()
      }
    }
  }
  // A probe goes alone.
  const lanes = lease.failures > 0 ? 1 : CALLS
  await Promise.all(Array.from({ length: Math.min(lanes, steps.length) }, lane))
  const end = Array.from(tried).indexOf(undefined)
  return tried.slice(0, end < 0 ? undefined : end).filter((one) => one !== undefined)
}

function toResults(
  lease: Lease & { endpointId: string },
  tried: readonly Tried[],
  now: number,
): WebhookResult[] {
  return tried.flatMap(({ step, answer }) => {
    const listId = step.events.length > 1 ? newId() : null
    const retryMs = isOk(answer) ? null : nextDelayMs(1, retryAfterMs(answer.retryAfter, now))
    return step.events.map((event, place) => ({
      tenantId: lease.tenantId,
      mode: lease.mode,
      endpointId: lease.endpointId,
      url: null,
      target: lease.endpointId,
      messageId: event.messageId,
      seq: event.seq,
      type: numberOfType(event.type),
      connectionId: event.connectionId,
      isBulk: event.stream === 'bulk',
      number: 1,
      answer,
      isOk: isOk(answer),
      delivery: null,
      list: listId === null ? null : { id: listId, place },
      retryMs,
    }))
  })
}

function toHealth(lease: Lease, tried: readonly Tried[]): PageHealth {
  const lastSuccess = tried.findLastIndex(({ answer }) => isOk(answer))
  const hasSuccess = lastSuccess >= 0
  const before = hasSuccess ? 0 : lease.failures
  const failures = countedFailures(before, tried.length - 1 - lastSuccess)
  // A receiver that asks for a wait gets it for all of its events.
  const asked = retryAfterMs(tried.at(-1)?.answer.retryAfter ?? null, Date.now())
  const pause = failures > 0 ? Math.max(pauseMs(before + failures) ?? 0, asked ?? 0) : 0
  return { hasSuccess, failures, pauseMs: pause > 0 ? pause : null }
}

export type Calling = {
  /** A slot for one call of the tenant; null: the process ends, and no call begins any more. */
  acquire(tenantId: string): Promise<(() => void) | null>
  /** Aborts the calls. */
  signal: AbortSignal
  isStopping(): boolean
}

/**
 * What comes after a page: more of it, nothing for now, nothing until the pause is over, or the same events when more have come or the
 * endpoint has waited long enough for them.
 */
export type Served = 'more' | 'idle' | 'ended' | { holdMs: number }

/** Moves the cursor past events that the endpoint does not want; one that stands still is left for a while, which costs nothing. */
async function skip(deps: WebhookDeps, lease: Lease, window: FeedWindow, page: FeedBatch): Promise<Served> {
  if (isStill(window, page)) return 'idle'
  const cursor = JSON.stringify(page.next)
  const health = { hasSuccess: false, failures: 0, pauseMs: null }
  if (!(await recordPage(deps.pool, lease, cursor, health, []))) return 'ended'
  lease.cursor = cursor
  return page.hasMore ? 'more' : 'idle'
}

/** Whether the page had nothing, and the cursor is not so old that the days behind it are about to be dropped. */
export function isStill({ from }: FeedWindow, { events, hasMore }: FeedBatch): boolean {
  return events.length === 0 && !hasMore && Date.now() - from.atMs <= IDLE_CURSOR_MS
}

/** Serves one page of an endpoint: reads, calls, records. `lease` is kept up to date. `isHoldOver`: it has waited for more events already. */
export async function servePage(
  deps: WebhookDeps,
  targets: Targets,
  lease: ReadingLease,
  calling: Calling,
  isHoldOver: boolean,
): Promise<Served> {
  const { tenantId, endpointId } = lease
  const endpoint = await targets.endpoint(tenantId, endpointId)
  if (!endpoint?.enabled) return 'ended'
  const window = readStoredWindow(lease.cursor)
  const limit = lease.failures > 0 ? endpoint.max_events : Math.max(PAGE, endpoint.max_events)
  const page = await nextPage(deps, lease, endpoint, window, limit)
  const steps = toSteps(endpoint, page)
  if (steps.length === 0) return skip(deps, lease, window, page)
  if (!isHoldOver && !page.hasMore && lease.failures === 0 && isShort(endpoint, steps)) {
    return { holdMs: endpoint.max_wait_ms }
  }
  const tried = await callAll(deps, lease, endpoint, steps, calling)
  await deps.failpoint('after_webhooks_before_record')
  const isWhole = tried.length === steps.length
  // The cursor stays before events that were read.
  if (!isWhole) lease.ahead = null
  const cursor = JSON.stringify(isWhole ? page.next : (tried.at(-1)?.step.after ?? window))
  const health = toHealth(lease, tried)
  const results = toResults(lease, tried, Date.now())
  if (!(await recordPage(deps.pool, lease, cursor, health, results))) return 'ended'
  lease.cursor = cursor
  if (health.hasSuccess) lease.failingSince = null
  if (health.hasSuccess && lease.failures > 0) await hurryDeliveries(deps.pool, tenantId, endpointId)
  lease.failures = (health.hasSuccess ? 0 : lease.failures) + health.failures
  if (health.failures > 0) {
    const hasGone = tried.some(({ answer }) => isGone(answer))
    const reason = disableReason(hasGone, lease.failingSince, Date.now())
    if (reason !== null) {
      await disable(deps, { tenantId, id: endpointId }, reason)
      return 'ended'
    }
  }
  if (health.pauseMs !== null || calling.isStopping()) return 'ended'
  return isWhole && !page.hasMore ? 'idle' : 'more'
}
