import { setImmediate as nextTurn } from 'node:timers/promises'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { inTransaction, type Pool, type Queryable } from '@lettergate/db/pool'
import { parseReport } from '@lettergate/providers/lib/parse-report'
import type { ProviderEvent, Reading } from '@lettergate/providers/lib/provider-event'
import type { Provider } from '@lettergate/providers/provider'
import { type Failpoint, type Notification, POOL_TENANT_ID } from '../lib/index.ts'
import { applyEvents } from './sql/apply-events.ts'
import type { EventItem } from './sql/event-items.ts'
import { type EventMessage, findMessages, findSent } from './sql/find-messages.ts'
import { findPoolMessages } from './sql/find-pool-messages.ts'
import { type DueEvent, deferDue, finishDue, takeDue } from './sql/take-due.ts'
import { toItem } from './to-item.ts'

/** Mail that came back is stored under this name in the place of a provider's. */
export const MAIL = 'mail'

const BYTES_MAX = 8 * 1024 * 1024
/** Of one turn; a request with more is applied as a whole. */
const EVENTS_MAX = 5_000
const BUSY_MS = 10
/** An event that comes before its message is recorded as sent waits, in seconds. */
const EARLY_S = [1, 5, 30, 300, 3_600, 86_400]
/** While an attempt is under way, which ends within a minute; a repeat of it must not begin before its event is applied. */
const SENDING_S = { first: 1, further: 5 }

export type ApplyDeps = {
  pool: Pool
  providers: Readonly<Record<string, Provider>>
  failpoint: Failpoint
}

/** Events at the URL of a connection about messages that its tenant does not have. */
export type ForeignEvents = {
  tenantId: string
  connectionId: string
  provider: string
  count: number
  messageId: string
}

/**
 * Counts of one turn. `foreign`: events of messages that the tenant does not have; `expired`: no message was found for a day; `failed`:
 * requests that could not be applied.
 */
export type Applied = {
  requests: number
  applied: number
  repeated: number
  early: number
  foreign: number
  expired: number
  unread: number
  failed: number
  /** Of the request that was due first. */
  waitedMs: number
}

export const nothingApplied: Applied = {
  requests: 0,
  applied: 0,
  repeated: 0,
  early: 0,
  foreign: 0,
  expired: 0,
  unread: 0,
  failed: 0,
  waitedMs: 0,
}

export type Turn = {
  /** Requests at most. */
  limit: number
  /** Only these; absent: any. */
  ids?: readonly number[] | null
  /** Which it has locked, before anything can fail because of them. */
  onTaken?: (ids: readonly number[]) => void
}

export type AppliedTurn = { applied: Applied; notifications: Notification[]; foreign: ForeignEvents[] }

/** `tenantId`: whose message it is; null: of the shared pool, and not known yet. */
type Known = {
  request: DueEvent
  event: ProviderEvent
  tenantId: string | null
  messageId: string | null
  isOurId: boolean
}

const UNREAD: Reading = { events: [], unread: 1 }

/** A body that makes its reader fail counts as one that could not be read: it must not hold up the others. */
function* parse(deps: ApplyDeps, request: DueEvent): Generator<Reading> {
  try {
    yield* parseBody(deps, request)
  } catch {
    yield UNREAD
  }
}

function parseBody(
  { providers }: ApplyDeps,
  { provider, headers, body, receivedAt }: DueEvent,
): Iterable<Reading> {
  if (provider === MAIL) {
    const report = parseReport(body, receivedAt)
    return [report.kind === 'report' ? { events: report.events, unread: 0 } : UNREAD]
  }
  const source = providers[provider]?.events
  // The URL only matters to who verifies, and this request was verified before it was stored.
  return source?.parse({ url: '', headers, body }, receivedAt) ?? [UNREAD]
}

/** Our id from what came back with the event, or from the Message-ID that we gave the mail. */
function ourIdOf({ messageId, mimeMessageId }: ProviderEvent): string | null {
  const inMail = mimeMessageId?.slice(0, mimeMessageId.indexOf('@'))
  return fromPublicId('msg', messageId ?? '') ?? fromPublicId('msg', inMail ?? '')
}

async function identify(
  db: Queryable,
  events: { request: DueEvent; event: ProviderEvent }[],
): Promise<Known[]> {
  const known = events.map(({ request, event }) => {
    const messageId = ourIdOf(event)
    const { tenantId } = request
    return { request, event, tenantId, messageId, isOurId: messageId !== null }
  })
  await identifyPool(db, known)
  const unknown = known.flatMap((one) => {
    const { providerMessageId, at } = one.event
    const { tenantId, provider } = one.request
    return one.messageId === null && one.tenantId !== null && providerMessageId
      ? { one, key: { tenantId, provider, providerMessageId, at } }
      : []
  })
  const found = await findSent(
    db,
    unknown.map(({ key }) => key),
  )
  for (const [index, { one }] of unknown.entries()) one.messageId = found[index] ?? null
  return known
}

/** The provider of a pool's connection does not know tenants: whose message it is, is what we kept when we sent it. */
async function identifyPool(db: Queryable, known: readonly Known[]): Promise<void> {
  const ofPool = known.filter(({ tenantId }) => tenantId === POOL_TENANT_ID)
  const keys = ofPool.map(({ request, event, messageId }) => ({
    connectionId: request.connectionId,
    messageId,
    providerMessageId: event.providerMessageId ?? null,
  }))
  const found = await findPoolMessages(db, keys)
  for (const [index, one] of ofPool.entries()) {
    one.tenantId = found[index]?.tenantId ?? null
    one.messageId = found[index]?.messageId ?? null
  }
}

async function readMessages(db: Queryable, known: readonly Known[]): Promise<Map<string, EventMessage>> {
  const keys = new Map(
    known.flatMap(({ tenantId, messageId }) =>
      messageId === null || tenantId === null
        ? []
        : [[`${tenantId} ${messageId}`, { tenantId, messageId }] as const],
    ),
  )
  const refused = known.flatMap(({ event, messageId }) =>
    messageId !== null && (event.kind === 'bounced' || event.kind === 'rejected') ? messageId : [],
  )
  const messages = await findMessages(db, [...keys.values()], refused)
  return new Map(messages.map((message) => [`${message.tenantId} ${message.messageId}`, message]))
}

type Waiting = Map<number, { inSeconds: number | null }>

/** Keeps the shortest wait of a request. */
function wait(waiting: Waiting, { id, tries }: DueEvent, isSending: boolean): void {
  const sendingS = tries === 0 ? SENDING_S.first : SENDING_S.further
  const inSeconds = isSending ? sendingS : (EARLY_S[tries] ?? null)
  const before = waiting.get(id)
  if (before?.inSeconds != null && (inSeconds === null || before.inSeconds <= inSeconds)) return
  waiting.set(id, { inSeconds })
}

function judge(known: readonly Known[], messages: ReadonlyMap<string, EventMessage>) {
  const items = new Map<string, EventItem>()
  const waiting: Waiting = new Map()
  const counts = { early: 0, foreign: 0, nameless: 0 }
  const foreign = new Map<string, ForeignEvents>()
  for (const { request, event, tenantId, messageId, isOurId } of known) {
    const message = messages.get(`${tenantId} ${messageId}`)
    const item = message && toItem(event, message, request)
    if (item) {
      items.set(`${item.messageId} ${item.source}`, item)
    } else if (isOurId && messageId !== null && tenantId !== null && !message) {
      // A message is stored before it is sent: this one is another tenant's, or was deleted.
      counts.foreign++
      const { tenantId, connectionId, provider } = request
      const before = foreign.get(connectionId) ?? { tenantId, connectionId, provider, count: 0, messageId }
      foreign.set(connectionId, { ...before, count: before.count + 1 })
    } else if (!message && event.providerMessageId === undefined && !isOurId) {
      // Nothing in it will ever name a message.
      counts.nameless++
    } else {
      counts.early++
      wait(waiting, request, message !== undefined)
    }
  }
  return { items: [...items.values()], waiting, counts, foreign: [...foreign.values()] }
}

async function applyIn(
  db: Queryable,
  deps: ApplyDeps,
  { limit, ids: wanted = null, onTaken }: Turn,
): Promise<AppliedTurn> {
  const taken = await takeDue(db, { limit, bytesMax: BYTES_MAX, ids: wanted })
  onTaken?.(taken.map(({ id }) => id))
  if (taken.length === 0) return { applied: nothingApplied, notifications: [], foreign: [] }
  const ids: number[] = []
  const events: { request: DueEvent; event: ProviderEvent }[] = []
  let unread = 0
  let busySince = performance.now()
  for (const request of taken) {
    if (ids.length > 0 && events.length >= EVENTS_MAX) break
    for (const reading of parse(deps, request)) {
      unread += reading.unread
      for (const event of reading.events) events.push({ request, event })
      // A worker also sends: what is read must not hold its thread.
      if (performance.now() - busySince > BUSY_MS) {
        await nextTurn()
        busySince = performance.now()
      }
    }
    ids.push(request.id)
  }
  const known = await identify(db, events)
  const { items, waiting, counts, foreign } = judge(known, await readMessages(db, known))
  await deps.failpoint('before_events_applied')
  const { fresh, notifications } = await applyEvents(db, items)
  await deps.failpoint('after_events_applied_before_commit')
  const later = [...waiting].flatMap(([id, { inSeconds }]) => (inSeconds === null ? [] : { id, inSeconds }))
  const isLater = new Set(later.map(({ id }) => id))
  await deferDue(db, later)
  await finishDue(
    db,
    ids.filter((id) => !isLater.has(id)),
  )
  const expired = waiting.size - later.length + counts.nameless
  const applied = {
    requests: ids.length,
    applied: fresh,
    repeated: items.length - fresh,
    early: counts.early,
    foreign: counts.foreign,
    expired,
    unread,
    failed: 0,
    waitedMs: Math.max(0, ...taken.map(({ waitedMs }) => waitedMs)),
  }
  return { applied, notifications, foreign }
}

/** Applies what is due, in one transaction. The notifications are to be sent afterwards. */
export async function applyTurn(deps: ApplyDeps, turn: Turn): Promise<AppliedTurn> {
  const result = await inTransaction(deps.pool, (db) => applyIn(db, deps, turn))
  if (result.applied.requests > 0) await deps.failpoint('after_events_commit')
  return result
}
