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
import { fromStorage } from '../lib/index.ts'
import { LOST_WORKERS_MAX } from '../lost-workers/index.ts'
import { readRouting, routeOf } from '../routing/index.ts'
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
}

const addressesOf = ({ message }: Seen, ...statuses: readonly RecipientStatus[]) =>
  message.recipients.filter(({ status }) => statuses.includes(status)).map(({ address }) => address)

function reason(code: ExplainCode, detail: string, recipients: string[], more: Partial<Reason> = {}): Reason {
  return { code, detail, recipients, connectionId: null, until: null, ahead: null, failure: null, ...more }
}

const LIMITS: Record<string, string> = {
  rate: 'its rate is reached; the sending time of this message is reserved',
  'rate-turn': 'its rate is reached; bulk mail waits for transactional mail',
  'rate-far': 'its rate is reached for more than an hour ahead',
  day: 'what it may send today is used up',
  concurrency: 'as many calls are under way as it bears',
}

/** What a message waits for at its connection. */
function waitReason(
  seen: Seen,
  { wait_for: connectionId, wait_why: why, due_at: until, health }: ExplainRow,
): Reason {
  const waiting = addressesOf(seen, ...pendingStatuses)
  const more = { connectionId, until, failure: health?.code ?? null }
  if (why === 'paused') {
    const said = health?.pause_reason ? `: ${health.pause_reason}` : ''
    return reason('connection-paused', `The provider asked for a pause${said}.`, waiting, more)
  }
  if (why === 'circuit') {
    const last = health?.reason ? `, last with: ${health.reason}` : ''
    return reason('circuit-open', `The connection failed again and again${last}.`, waiting, more)
  }
  return reason(
    'limiter-wait',
    `The connection takes no more now: ${LIMITS[why ?? ''] ?? 'a limit is reached'}.`,
    waiting,
    {
      ...more,
      failure: null,
    },
  )
}

/** Three workers were lost over it. */
function asideReason(seen: Seen, { due_at: until }: ExplainRow): Reason {
  const detail =
    'Three times the process that handed it over ended unexpectedly, so it was set aside. Retry it to have it tried once more, alone; or cancel it.'
  return reason('set-aside', detail, addressesOf(seen, ...pendingStatuses), { until })
}

/** Where the message stands in the backlog. */
function backlogReason(seen: Seen, row: ExplainRow): Reason {
  const { state, due_at: until, ahead } = row
  if (state === 'sending')
    return reason('being-sent', 'A provider has it in hand.', addressesOf(seen, 'sending'))
  if (state === 'claimed') {
    return reason(
      'backlog',
      'A worker has it, and hands it over next.',
      addressesOf(seen, ...pendingStatuses),
      {
        ahead: 0,
      },
    )
  }
  if (state === 'ready') {
    const detail =
      ahead === 0 ? 'It is the next of yours.' : `${ahead} messages of yours are served before it.`
    return reason('backlog', detail, addressesOf(seen, ...pendingStatuses), { ahead })
  }
  if (row.lost_workers >= LOST_WORKERS_MAX) return asideReason(seen, row)
  if (row.wait_why !== null) return waitReason(seen, row)
  const held = addressesOf(seen, 'held')
  if (held.length > 0) {
    const said = seen.message.recipients.find(({ status }) => status === 'held')?.reason
    return reason('provider-required', `${said ?? 'No connection may carry it'}.`, held, { until })
  }
  const deferred = addressesOf(seen, 'deferred')
  if (deferred.length > 0) {
    const detail = `It is tried again by itself; retries end ${row.retry_hours} hours after it was due.`
    return reason('waits-for-retry', detail, deferred, { until })
  }
  return reason('scheduled', 'You asked for it to be sent later.', addressesOf(seen, 'scheduled', 'queued'), {
    until,
  })
}

const CHOSEN = {
  named: 'the message names this connection',
  route: 'a route fits the message',
  priority: 'it is the first of yours that could be used',
  fallback: 'there is no connection of yours',
}

/** Whether it was a refusal of several for the sake of one, who now go alone. */
function isOfOne({ message, backlog }: Seen, { code, addresses, started_at: at }: AttemptRow): boolean {
  if (classOfStored(code)?.mayBeOneOfMany !== true) return false
  // One that the tenant tries again has begun anew since.
  if (backlog === null || at < backlog.first_due_at || addresses.length < 2) return false
  const waiting = message.recipients.filter(({ status }) => isPendingStatus(status))
  return waiting.some(({ address }) => addresses.includes(address))
}

function whyChosen({ rule, route, skipped, alone }: StoredChoice): string {
  const why = route === null ? CHOSEN[rule] : `the route ${toPublicId('rte', route)} fits the message`
  const passedOver = skipped.length > 0 ? '; others were passed over' : ''
  const apart = alone ? '; one recipient alone, since a try with several was refused because of one' : ''
  return ` (${why}${passedOver}${apart})`
}

/** What the last provider said, and why it was asked. */
function lastAnswer(seen: Seen, last: AttemptRow): Reason {
  const { connection_id: connectionId, outcome, reason: said, code, choice, addresses } = last
  const next = isOfOne(seen, last) ? ' It may be because of one recipient: they go one at a time now.' : ''
  const why = choice ? whyChosen(choice) : ''
  const detail = `The last try${why} was ${outcome}${said === null ? '' : `: ${said}`}.${next}`
  return reason('last-answer', detail, addresses, { connectionId, failure: code })
}

/** A try tells by itself why it went where it did. */
function withRoute({ routeId }: Seen, first: Reason): Reason {
  if (routeId === null) return first
  return { ...first, detail: `${first.detail} The route ${toPublicId('rte', routeId)} fits it.` }
}

/** Why a message is where it is, the most telling reason first. Pure. */
export function explain(seen: Seen): Reason[] {
  const reasons: Reason[] = []
  if (seen.backlog) reasons.push(withRoute(seen, backlogReason(seen, seen.backlog)))
  const unknown = addressesOf(seen, 'unknown')
  if (unknown.length > 0) {
    const detail = 'No answer came after the message went out: it is not sent again by itself.'
    reasons.push(reason('unknown', detail, unknown, { failure: 'outcome-unknown' }))
  }
  const last = seen.attempts.at(-1)
  if (last) reasons.push(lastAnswer(seen, last))
  if (!seen.backlog && unknown.length === 0) {
    reasons.push(
      reason(
        'ended',
        'Nothing is left to do for it.',
        seen.message.recipients.map(({ address }) => address),
      ),
    )
  }
  return reasons
}

async function routeIdOf(db: Queryable, tenantId: string, message: StoredMessage): Promise<string | null> {
  const { routes } = await readRouting(db, tenantId)
  return routeOf(routes, { ...message, fromAddress: message.from.address })?.id ?? null
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
  return { backlog, attempts, routeId: isToBeRouted ? await routeIdOf(db, tenantId, message) : null }
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
