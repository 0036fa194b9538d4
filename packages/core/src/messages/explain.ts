import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { ExplainCode } from '@lettergate/contracts/messages/explain'
import {
  isPendingStatus,
  pendingStatuses,
  type RecipientStatus,
} from '@lettergate/contracts/messages/recipient-status'
import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { classOfStored } from '../deliver/index.ts'
import { fromStorage, POOL_TENANT_ID } from '../lib/index.ts'
import { LOST_WORKERS_MAX } from '../lost-workers/index.ts'
import { readRouting, routeOf } from '../routing/index.ts'
import { isWaitWhy, waitReasons } from '../throttle/index.ts'
import { type MessageReader, type Reader, readExisting, type StoredMessage } from './read.ts'
import { type AttemptRow, readAttempts, type StoredChoice } from './sql/read-attempts.ts'
import { type ExplainRow, readExplain } from './sql/read-explain.ts'

/** One reason for where a message is; ids of the database. */
export type Reason = {
  code: ExplainCode
  detail: string
  recipients: string[]
  connectionId: string | null
  until: Date | null
  ahead: number | null
  /** The class of failure that it comes from. */
  failure: string | null
}

type Seen = {
  message: Pick<StoredMessage, 'recipients' | 'sendAt'>
  backlog: ExplainRow | null
  attempts: readonly AttemptRow[]
  /** The route that a message which was never tried goes by, as things stand; null: none fits, or it was tried. */
  routeId: string | null
  mode: Reader['mode']
}

const addressesOf = ({ message }: Seen, ...statuses: readonly RecipientStatus[]) =>
  message.recipients.filter(({ status }) => statuses.includes(status)).map(({ address }) => address)

function reason(code: ExplainCode, detail: string, recipients: string[], more: Partial<Reason> = {}): Reason {
  return { code, detail, recipients, connectionId: null, until: null, ahead: null, failure: null, ...more }
}

/** The words of a provider or a worker, ended as a sentence. */
const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`)

/** What a message waits for at its connection. */
function waitReason(
  seen: Seen,
  { wait_for: connectionId, wait_why: why, due_at: until, health }: ExplainRow,
): Reason {
  const waiting = addressesOf(seen, ...pendingStatuses)
  const more = { connectionId, until, failure: health?.code ?? null }
  const isPool = connectionId === POOL_TENANT_ID
  const what = isPool ? 'shared pool' : 'connection'
  const sooner = isPool
    ? ' It is sent automatically. To send it sooner, add a connection of your own with POST /v1/connections.'
    : ''
  if (why === 'paused') {
    const said = health?.pause_reason ? sentence(` It answered: ${health.pause_reason}`) : ''
    const detail = `The provider asked to pause this ${what}.${said}${sooner || ' Sending resumes automatically.'}`
    return reason('connection-paused', detail, waiting, more)
  }
  if (why === 'circuit') {
    const last = health?.reason ? sentence(` The last error was: ${health.reason}`) : ''
    const detail = `The ${what} failed repeatedly, so its circuit breaker is open.${last} Single messages test whether it works again.${sooner}`
    return reason('circuit-open', detail, waiting, more)
  }
  const limit = isWaitWhy(why) ? waitReasons[why] : 'a limit is reached'
  const reserved = why === 'rate' ? ' A sending time is reserved for it.' : ''
  const detail = `The message waits for ${isPool ? 'the' : 'its'} ${what}: ${limit}.${reserved}${sooner}`
  return reason('limiter-wait', detail, waiting, { ...more, failure: null })
}

const SUSPENDED = 'tenant-suspended: '

/** Three workers were lost over it. */
function asideReason(seen: Seen, { due_at: until }: ExplainRow): Reason {
  const detail =
    'Three workers ended unexpectedly while they sent this message, so it is held. Retry it for one more attempt in a process of its own, or cancel it.'
  return reason('set-aside', detail, addressesOf(seen, ...pendingStatuses), { until })
}

/** Where the message stands in the backlog. */
function backlogReason(seen: Seen, row: ExplainRow): Reason {
  const { state, due_at: until, ahead } = row
  if (state === 'sending')
    return reason(
      'being-sent',
      'The message is being sent to the provider now.',
      addressesOf(seen, 'sending'),
    )
  if (state === 'claimed') {
    const detail = 'A worker has taken the message and sends it next.'
    return reason('backlog', detail, addressesOf(seen, ...pendingStatuses), { ahead: 0 })
  }
  if (state === 'ready') {
    const detail =
      ahead === 0
        ? 'The message is the next of yours to be sent.'
        : `Your messages that are sent before this one: ${ahead}.`
    return reason('backlog', detail, addressesOf(seen, ...pendingStatuses), { ahead })
  }
  if (row.held_at !== null) {
    const detail = `The message was held by a request at ${row.held_at.toISOString()}. Release it with POST /v1/messages/{id}/release, or cancel it.`
    return reason('held', detail, addressesOf(seen, ...pendingStatuses))
  }
  if (row.lost_workers >= LOST_WORKERS_MAX) return asideReason(seen, row)
  if (row.wait_why !== null) return waitReason(seen, row)
  const held = addressesOf(seen, 'held')
  if (held.length > 0) {
    const said = seen.message.recipients.find(({ status }) => status === 'held')?.reason
    if (said?.startsWith(SUSPENDED)) {
      const detail = sentence(`The message is held: ${said.slice(SUSPENDED.length)}`)
      return reason('tenant-suspended', `${detail} It is sent when the tenant is resumed.`, held)
    }
    const why = said?.replace(/^provider-required: /, '') ?? 'no connection can send it'
    return reason('provider-required', sentence(`The message is held: ${why}`), held, { until })
  }
  const deferred = addressesOf(seen, 'deferred')
  if (deferred.length > 0) {
    const detail = `The last attempt did not succeed. The next one follows automatically; retries end ${row.retry_hours} hours after the message was due.`
    return reason('waits-for-retry', detail, deferred, { until })
  }
  const detail = 'The message is scheduled for later by its send_at.'
  return reason('scheduled', detail, addressesOf(seen, 'scheduled', 'queued'), { until })
}

const CHOSEN = {
  named: 'the message names it',
  route: 'a route matches the message',
  priority: 'it comes first by priority among your usable connections',
}

/** A message that no connection of the tenant carried, and that the gateway kept for reading. */
const CAPTURED = {
  live: 'No connection is configured, so the message was captured and not sent. Read it with GET /v1/messages/{id}/raw. To send mail, add a connection with POST /v1/connections, then send the message again.',
  test: 'A test key accepted the message, so it was captured and not sent. Read it with GET /v1/messages/{id}/raw. To send mail, use a live key.',
}

/** Whether it was a refusal of several for the sake of one, who now go alone. */
function isOfOne({ message, backlog }: Seen, { code, addresses, started_at: at }: AttemptRow): boolean {
  if (classOfStored(code)?.mayBeOneOfMany !== true) return false
  // One that the tenant tries again has begun anew since.
  if (backlog === null || at < backlog.first_due_at || addresses.length < 2) return false
  const waiting = message.recipients.filter(({ status }) => isPendingStatus(status))
  return waiting.some(({ address }) => addresses.includes(address))
}

function whyChosen({ rule, route, skipped, alone, pool }: StoredChoice): string {
  if (rule === 'fallback' || rule === 'lost') return ''
  const what = pool ? 'The shared pool' : 'This connection'
  const why = route === null ? CHOSEN[rule] : `route ${toPublicId('rte', route)} matches the message`
  const others = skipped.length > 0 ? '; other connections were skipped, see /attempts' : ''
  const one = alone
    ? ' The attempt was for one recipient only, because the provider had rejected several for the fault of one.'
    : ''
  return ` ${what} was used because ${why}${others}.${one}`
}

/** What the last provider said, and why it was asked. */
function lastAnswer(seen: Seen, last: AttemptRow): Reason {
  const { outcome, reason: said, code, choice, addresses } = last
  const connectionId = choice?.pool ? POOL_TENANT_ID : last.connection_id
  if (choice?.rule === 'fallback' && outcome === 'accepted')
    return reason('last-answer', CAPTURED[seen.mode], addresses)
  const next = isOfOne(seen, last)
    ? ' The rejection may concern one recipient only, so each recipient now gets an attempt of its own.'
    : ''
  const why = choice ? whyChosen(choice) : ''
  const result = sentence(`The last attempt was ${outcome}${said === null ? '' : `: ${said}`}`)
  return reason('last-answer', `${result}${why}${next}`, addresses, { connectionId, failure: code })
}

/** A try tells by itself why it went where it did. */
function withRoute({ routeId }: Seen, first: Reason): Reason {
  if (routeId === null) return first
  return { ...first, detail: `${first.detail} Route ${toPublicId('rte', routeId)} matches it.` }
}

/** Why a message is where it is, the most telling reason first. Pure. */
export function explain(seen: Seen): Reason[] {
  const reasons: Reason[] = []
  if (seen.backlog) reasons.push(withRoute(seen, backlogReason(seen, seen.backlog)))
  const unknown = addressesOf(seen, 'unknown')
  if (unknown.length > 0) {
    const detail =
      'No answer came after the message was sent, so it may have been delivered. It is not sent again automatically; POST /v1/messages/{id}/retry sends it again.'
    reasons.push(reason('unknown', detail, unknown, { failure: 'outcome-unknown' }))
  }
  const suppressed = addressesOf(seen, 'suppressed')
  if (suppressed.length > 0) {
    const detail =
      'The address is on your suppression list, so the message was not sent to it. GET /v1/suppressions/{address} shows the entry. If mail is wanted again, delete the entry, then send a new message.'
    reasons.push(reason('suppressed', detail, suppressed))
  }
  const last = seen.attempts.at(-1)
  if (last) reasons.push(lastAnswer(seen, last))
  if (!seen.backlog && unknown.length === 0) {
    const addresses = seen.message.recipients.map(({ address }) => address)
    reasons.push(reason('ended', 'Nothing is left to do for this message.', addresses))
  }
  return reasons
}

async function routeIdOf(db: Queryable, tenantId: string, message: StoredMessage): Promise<string | null> {
  const { routes } = await readRouting(db, tenantId)
  return routeOf(routes, message)?.id ?? null
}

async function see(
  db: Queryable,
  { tenantId, mode }: Reader,
  message: StoredMessage,
): Promise<Omit<Seen, 'message'>> {
  const key = { tenantId, id: message.id }
  const [backlog, attempts] = await Promise.all([readExplain(db, key), readAttempts(db, key)])
  const isNew = backlog !== null && attempts.length === 0
  // Test mail is kept, whatever the routes say.
  const isToBeRouted = isNew && mode === 'live' && message.connectionId === null
  const routeId = isToBeRouted ? await routeIdOf(db, tenantId, message) : null
  return { backlog, attempts, routeId, mode }
}

export async function explainMessage(
  deps: { tenants: Tenants; messages: MessageReader },
  reader: Reader,
  id: string,
): Promise<{ message: StoredMessage; reasons: Reason[] }> {
  const message = await readExisting(deps.messages, reader, id)
  const seen = await fromStorage(see(deps.tenants.forTenant(reader.tenantId), reader, message))
  return { message, reasons: explain({ message, ...seen }) }
}
