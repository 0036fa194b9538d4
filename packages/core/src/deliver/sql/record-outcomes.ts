import type { EventType } from '@lettergate/contracts/messages/event-types'
import type { Mode, Stream } from '@lettergate/contracts/messages/new-message'
import type { RecipientStatus } from '@lettergate/contracts/messages/recipient-status'
import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'
import type { SendOutcome } from '@lettergate/providers/provider'
import {
  appendEvents,
  byDay,
  idRange,
  isPending,
  joinId,
  type Notification,
  POOL_TENANT_ID,
} from '../../lib/index.ts'
import { addSuppressions, suppressionStreams } from '../../suppressions/index.ts'
import { refundUsage } from '../../usage/index.ts'
import {
  HOLDS_LONGER,
  MIXED_RESULT,
  PLAIN_REFUNDS,
  PLAIN_RESULT,
  POOL_DAYS_LEFT,
  POOL_PARTS,
  POOLED_REFUNDS,
  POOLED_RESULT,
  type PoolPart,
  partArray,
} from './record-pool-parts.ts'
import { SIMULATED } from './simulate-events.ts'

export type RecipientChange = {
  position: number
  status: RecipientStatus
  reason: string | null
  /** The event of this change; null: none. */
  event: EventType | null
  /** The address, where the answer says that it has no mailbox: it is suppressed. */
  noMailbox?: string
}

export type OutcomeRecord = {
  tenantId: string
  messageId: string
  epoch: number
  mode: Mode
  stream: Stream
  usageDay: string
  /** Null when the message was held without an attempt. */
  attempt: {
    number: number
    connectionId: string | null
    provider: string
    startedAt: Date
    outcome: SendOutcome['kind']
    scope: 'message' | 'account' | null
    /** The class of a failure. */
    code: string | null
    reason: string | null
    /** Why this connection, as JSON. */
    choice: string | null
    providerMessageId: string | null
    positions: number[]
  } | null
  changes: RecipientChange[]
  /** Null: done. 0: ready immediately. */
  retryInMs: number | null
  /**
   * The version of the tenant's connections used by the attempt, if a change of them may help: the message is then retried at the next
   * change. Absent: it waits for its time.
   */
  waitVersion?: number | null
  /** Recipients that will never be sent: refunded to the quota of `usageDay`. */
  giveBack: number
  /** Absent: the shared pool has nothing to do with it. */
  pool?: PoolPart
}

/** What a batch of records holds: its statement pays for nothing else. */
type Kind = {
  isCaptured: boolean
  isPooled: boolean
  /** Some messages are done, and some are not. */
  isMixed: boolean
}

/**
 * Writes the outcomes of attempts: attempt, recipients, events, backlog and quota, in one statement for many messages.
 * 1. Only the holder of the claim writes (`owned`).
 * 2. A late "accepted" is also written without the claim (`late`): it corrects an attempt recorded as unknown and cancels its retry, unless
 *    the message is being sent. The message continues for its other recipients (`kept`), or is `over`.
 * 3. `in (…) is true` keeps a look-up hashed: Postgres expects ten rows of an array, and as a join would compare every message of a batch
 *    with every other. The range of ids is explained at `idRange`.
 * 4. The limit of `change` limits nothing: it makes Postgres expect one row instead of ten, and so probe the recipients of each. Otherwise
 *    a plan made early in the day read the whole day's index each time: 0.9 ms for a batch of 28 at 50,000 stored, and rising.
 */
const textOf = ({ isCaptured, isPooled, isMixed }: Kind): string => `
with ${isPooled ? POOLED_RESULT : isMixed ? MIXED_RESULT : PLAIN_RESULT}, finished as (
  delete from outbox o using result r
  where o.message_id = r.message_id and o.epoch = r.epoch and o.tenant_id = r.tenant_id
    and o.state in ('claimed', 'sending') and r.retry_in_ms is null
  returning r.*
), again as (
  update outbox o set state = case when r.retry_in_ms > 0 and (r.wait_version is null or r.wait_version =
                                     (select connections_version from tenant t where t.id = r.tenant_id))
                                   then 'waiting' else 'ready' end,
                      due_at = now() + r.retry_in_ms * interval '1 ms', lease_until = null, sending_at = null, accepted_at = null,
                      wait_for = null, wait_why = null, wait_version = r.wait_version${isPooled ? HOLDS_LONGER : ''}
  from result r
  where o.message_id = r.message_id and o.epoch = r.epoch and o.tenant_id = r.tenant_id
    and o.state in ('claimed', 'sending') and r.retry_in_ms is not null
  returning r.*
), owned as materialized (
  select * from finished union all select * from again
), late as materialized (
  select r.* from result r
  cross join lateral (
    select from attempt a
    where a.tenant_id = r.tenant_id and ${joinId('a.message_id', 'r.message_id')} and a.number = r.number and a.outcome = 'unknown'
      and a.message_id between $3 and $4
    limit 1
  ) a
  where r.outcome = 'accepted' and (r.message_id not in (select message_id from owned)) is true
), written_attempt as (
  insert into attempt (tenant_id, message_id, number, connection_id, provider, started_at, outcome, scope, code, reason,
                       choice, provider_message_id, recipients)
  select tenant_id, message_id, number, connection_id, provider, started_at, outcome, scope, code, reason,
         choice, provider_message_id, positions
  from owned where number is not null
), corrected_attempt as (
  update attempt a
  set outcome = l.outcome, scope = l.scope, code = l.code, reason = l.reason, finished_at = now(),
      choice = coalesce(l.choice, a.choice), provider_message_id = l.provider_message_id
  from late l
  where a.tenant_id = l.tenant_id and ${joinId('a.message_id', 'l.message_id')} and a.number = l.number
    and a.message_id between $3 and $4
), kept as (
  update outbox o set state = case when o.state = 'claimed' then 'ready' else o.state end, lease_until = null
  from late l
  where o.message_id = l.message_id and o.tenant_id = l.tenant_id and o.state <> 'sending'
    and exists (
      select from recipient p
      where p.tenant_id = l.tenant_id and ${joinId('p.message_id', 'l.message_id')} and p.message_id between $3 and $4
        and ${isPending('p.status')} and p.position <> all (l.positions))
  returning o.message_id
), over as (
  delete from outbox o using late l
  where o.message_id = l.message_id and o.tenant_id = l.tenant_id and o.state <> 'sending'
    and not exists (
      select from recipient p
      where p.tenant_id = l.tenant_id and ${joinId('p.message_id', 'l.message_id')} and p.message_id between $3 and $4
        and ${isPending('p.status')} and p.position <> all (l.positions))
  returning o.message_id
), spared as materialized (
  select message_id from kept union all select message_id from over
), change as materialized (
  select c.*, (c.message_id in (select message_id from late)) is true as is_late
  from unnest($2::recipient_change_2[]) c
  where (c.message_id in (select message_id from owned)) is true or (c.message_id in (select message_id from late)) is true
  limit cardinality($2)
), changed as (
  update recipient p set status = c.status, reason = c.reason, updated_at = now()
  from change c
  where p.tenant_id = c.tenant_id and ${joinId('p.message_id', 'c.message_id')} and p.position = c.position
    and p.message_id between $3 and $4
    and (not c.is_late
         or c.event is not null
            and (p.status = 'unknown' or p.status = 'deferred' and (p.message_id in (select message_id from spared)) is true))
  returning p.message_id, p.position
), ${appendEvents(`
  select tenant_id, message_id, position, event as type, data, mode, stream = 'bulk' as is_bulk, connection_id from change c
  where event is not null and (not is_late or ((c.message_id, c.position) in (select message_id, position from changed)) is true)`)}, ${isPooled ? POOL_PARTS : ''}${refundUsage(
  isPooled ? POOLED_REFUNDS : PLAIN_REFUNDS,
  { from: '$3', to: '$4' },
  isPooled ? POOL_DAYS_LEFT : undefined,
)}${isCaptured ? SIMULATED : ''}, ${addSuppressions(`
  select tenant_id, mode, no_mailbox as address, '${suppressionStreams.hard_bounce}' as stream, 'hard_bounce' as reason, message_id
  from change where no_mailbox is not null`)}
select channel, payload
from (select 'lg_message' as channel, string_agg(message_id::text, ',') as payload
      from (select message_id from owned union all select message_id from late) changed
      union all
      select 'lg_feed', string_agg(distinct tenant_id::text, ',') from new_event
      union all
      select 'lg_outbox', string_agg(distinct tenant_id::text, ',') from again where retry_in_ms = 0) n
where payload is not null`

/** By name; there are six. */
const STATEMENTS = new Map<string, { name: string; text: string }>()

function statementOf(kind: Kind): { name: string; text: string } {
  const words = [
    kind.isPooled && 'pooled',
    kind.isCaptured && 'captured',
    !kind.isPooled && kind.isMixed && 'mixed',
  ]
  const name = ['record-outcomes', ...words.filter(Boolean)].join('-')
  const statement = STATEMENTS.get(name) ?? { name, text: textOf(kind) }
  STATEMENTS.set(name, statement)
  return statement
}

/** Messages in one statement: their ids must fit into one notification of 8,000 bytes. */
export const RECORD_MAX = 200

type Changed = { record: OutcomeRecord; change: RecipientChange }

const outcomeArray = rowArray<OutcomeRecord>('claim_outcome', [
  column('uuid', (record) => record.tenantId),
  column('uuid', (record) => record.messageId),
  column('int8', (record) => record.epoch),
  column('text', (record) => record.mode),
  column('text', (record) => record.usageDay),
  column('float8', (record) => record.retryInMs),
  column('int4', (record) => record.giveBack),
  column('int2', ({ attempt }) => attempt?.number),
  column('uuid', ({ attempt }) => attempt?.connectionId),
  column('text', ({ attempt }) => attempt?.provider),
  column('timestamptz', ({ attempt }) => attempt?.startedAt),
  column('text', ({ attempt }) => attempt?.outcome),
  column('text', ({ attempt }) => attempt?.scope),
  column('text', ({ attempt }) => attempt?.reason),
  column('text', ({ attempt }) => attempt?.providerMessageId),
  column('int2[]', ({ attempt }) => attempt?.positions),
  column('text', ({ attempt }) => attempt?.code),
  column('json', ({ attempt }) => attempt?.choice),
  column('int4', ({ waitVersion }) => waitVersion),
])
const changeArray = rowArray<Changed>('recipient_change_2', [
  column('uuid', ({ record }) => record.tenantId),
  column('uuid', ({ record }) => record.messageId),
  column('int2', ({ change }) => change.position),
  column('text', ({ change }) => change.status),
  column('text', ({ change }) => change.reason),
  column('text', ({ change }) => change.event),
  column('json', ({ record, change }) => eventData(record, change)),
  column('text', ({ record }) => record.mode),
  column('text', ({ record }) => record.stream),
  // In the feed, the pool's tenant stands for its connections.
  column('uuid', ({ record }) => (record.pool?.byPool ? POOL_TENANT_ID : record.attempt?.connectionId)),
  column('text', ({ change }) => change.noMailbox),
])

/**
 * Records outcomes, those of a day in one statement; safe to run twice, because nothing is owned the second time. Answers the notifications to
 * send after the commit.
 */
export async function recordOutcomes(
  db: Queryable,
  records: readonly OutcomeRecord[],
): Promise<Notification[]> {
  const notifications: Notification[] = []
  for (const ofDay of byDay(records, ({ messageId }) => messageId)) {
    notifications.push(...(await recordOfDay(db, ofDay)))
  }
  return notifications
}

async function recordOfDay(db: Queryable, records: readonly OutcomeRecord[]): Promise<Notification[]> {
  // Sorted, so that two concurrent statements lock in the same order.
  const sorted = [...records].sort((a, b) => (a.messageId < b.messageId ? -1 : 1))
  const changes = sorted.flatMap((record) => record.changes.map((change) => ({ record, change })))
  const parts = sorted.flatMap(({ messageId, tenantId, pool }) =>
    pool ? [{ messageId, tenantId, ...pool }] : [],
  )
  const done = sorted.filter(({ retryInMs }) => retryInMs === null).length
  const statement = statementOf({
    isCaptured: sorted.some(({ attempt }) => attempt?.provider === 'capture'),
    isPooled: parts.length > 0,
    isMixed: done > 0 && done < sorted.length,
  })
  const { rows } = await db.query<Notification>({
    ...statement,
    values: [
      await outcomeArray(db, sorted),
      await changeArray(db, changes),
      ...idRange(sorted.map((record) => record.messageId)),
      ...(parts.length === 0 ? [] : [await partArray(db, parts)]),
    ],
  })
  return rows
}

function eventData({ attempt }: OutcomeRecord, { reason }: RecipientChange): string {
  return JSON.stringify({ ...(attempt && { attempt: attempt.number }), ...(reason !== null && { reason }) })
}
