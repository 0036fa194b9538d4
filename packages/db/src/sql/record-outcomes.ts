import {
  float8Array,
  int2Array,
  int4Array,
  int8Array,
  textArray,
  timestamptzArray,
  uuidArray,
} from '../arrays.ts'
import type { Queryable } from '../pool.ts'
import { idRange } from './id-range.ts'

export type RecipientChange = {
  position: number
  status: string
  reason: string | null
  /** The event that tells of it; null when nothing new happened. */
  event: string | null
}

export type OutcomeRecord = {
  tenantId: string
  messageId: string
  epoch: number
  mode: string
  usageDay: string
  /** Null when the message was held without a try. */
  attempt: {
    number: number
    connectionId: string | null
    provider: string
    startedAt: Date
    outcome: string
    scope: string | null
    reason: string | null
    providerMessageId: string | null
    positions: number[]
  } | null
  changes: RecipientChange[]
  /** Null: nothing is left to do. */
  retryInMs: number | null
  /** Recipients that will never be sent: given back to the quota of `usageDay`. */
  giveBack: number
}

/**
 * Writes what became of a hand-off: attempt, recipients, events, backlog and quota, in one statement for many messages.
 * Only the holder of the claim may write: whoever takes the row out of the backlog or puts it back (`owned`). One late word is
 * accepted without it: proof of acceptance for an attempt that was given up as unknown (`late`).
 *
 * `in (…) is true` keeps a look-up hashed: as a join, Postgres, which expects ten rows of an array, would compare every
 * message of a batch with every other. The range of ids is explained at `idRange`.
 */
const TEXT = `
with result as materialized (
  select * from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::text[], $5::text[], $6::float8[], $7::int4[], $8::int2[],
                       $9::uuid[], $10::text[], $11::timestamptz[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])
    as r(tenant_id, message_id, epoch, mode, usage_day, retry_in_ms, give_back, number,
         connection_id, provider, started_at, outcome, scope, reason, provider_message_id, positions)
), finished as (
  delete from outbox o using result r
  where o.message_id = r.message_id and o.epoch = r.epoch and o.tenant_id = r.tenant_id
    and o.state in ('claimed', 'sending') and r.retry_in_ms is null
  returning r.*
), again as (
  update outbox o set state = 'waiting', due_at = now() + r.retry_in_ms * interval '1 ms', lease_until = null,
                      sending_at = null, accepted_at = null
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
    where a.tenant_id = r.tenant_id and a.message_id = r.message_id and a.number = r.number and a.outcome = 'unknown'
      and a.message_id between $22 and $23
    limit 1
  ) a
  where r.outcome = 'accepted' and (r.message_id not in (select message_id from owned)) is true
), written_attempt as (
  insert into attempt (tenant_id, message_id, number, connection_id, provider, started_at, outcome, scope, reason,
                       provider_message_id, recipients)
  select tenant_id, message_id, number, connection_id, provider, started_at, outcome, scope, reason,
         provider_message_id, positions::int2[]
  from owned where number is not null
), corrected_attempt as (
  update attempt a
  set outcome = l.outcome, scope = l.scope, reason = l.reason, finished_at = now(), provider_message_id = l.provider_message_id
  from late l
  where a.tenant_id = l.tenant_id and a.message_id = l.message_id and a.number = l.number
    and a.message_id between $22 and $23
), change as materialized (
  select c.*, (c.message_id in (select message_id from late)) is true as is_late
  from unnest($17::uuid[], $18::uuid[], $19::int2[], $20::text[], $21::text[], $24::text[], $25::text[])
    as c(tenant_id, message_id, position, status, reason, event, data)
  where (c.message_id in (select message_id from owned)) is true or (c.message_id in (select message_id from late)) is true
), changed as (
  update recipient p set status = c.status, reason = c.reason, updated_at = now()
  from change c
  where p.tenant_id = c.tenant_id and p.message_id = c.message_id and p.position = c.position
    and p.message_id between $22 and $23
    and (not c.is_late or p.status = 'unknown')
), written_event as (
  insert into event (tenant_id, message_id, position, type, data)
  select tenant_id, message_id, position, event, data::json from change where event is not null
), returned as (
  select u.tenant_id, u.day, u.mode, s.n
  from (select tenant_id, usage_day::date as day, mode, sum(give_back)::int4 as n from owned where give_back > 0 group by 1, 2, 3) s
  join usage u on u.tenant_id = s.tenant_id and u.day = s.day and u.mode = s.mode
  order by u.tenant_id, u.mode
  for no key update of u
), refunded as (
  update usage u set accepted = u.accepted - r.n from returned r
  where u.tenant_id = r.tenant_id and u.day = r.day and u.mode = r.mode
)
select pg_notify('lg_message', ids)
from (select string_agg(message_id::text, ',') as ids
      from (select message_id from owned union all select message_id from late) told) n
where ids is not null`

/** Messages in one statement: their ids must fit into one notification of 8,000 bytes. */
export const RECORD_MAX = 200

/** Safe to run twice: the second time nothing is owned any more. */
export async function recordOutcomes(db: Queryable, records: OutcomeRecord[]): Promise<void> {
  if (records.length === 0) return
  // In the order of their ids, so that two statements that meet take turns instead of waiting for each other.
  const sorted = [...records].sort((a, b) => (a.messageId < b.messageId ? -1 : 1))
  const changes = sorted.flatMap((record) => record.changes.map((change) => ({ record, change })))
  const column = <T>(pick: (record: OutcomeRecord) => T): T[] => sorted.map(pick)
  const attempt = <T>(pick: (attempt: NonNullable<OutcomeRecord['attempt']>) => T): (T | null)[] =>
    sorted.map((record) => record.attempt && pick(record.attempt))
  await db.query({
    name: 'record-outcomes',
    text: TEXT,
    values: [
      uuidArray(column((record) => record.tenantId)),
      uuidArray(column((record) => record.messageId)),
      int8Array(column((record) => record.epoch)),
      textArray(column((record) => record.mode)),
      textArray(column((record) => record.usageDay)),
      float8Array(column((record) => record.retryInMs)),
      int4Array(column((record) => record.giveBack)),
      int2Array(attempt(({ number }) => number)),
      uuidArray(attempt(({ connectionId }) => connectionId)),
      textArray(attempt(({ provider }) => provider)),
      timestamptzArray(attempt(({ startedAt }) => startedAt)),
      textArray(attempt(({ outcome }) => outcome)),
      textArray(attempt(({ scope }) => scope)),
      textArray(attempt(({ reason }) => reason)),
      textArray(attempt(({ providerMessageId }) => providerMessageId)),
      textArray(attempt(({ positions }) => `{${positions.join(',')}}`)),
      uuidArray(changes.map(({ record }) => record.tenantId)),
      uuidArray(changes.map(({ record }) => record.messageId)),
      int2Array(changes.map(({ change }) => change.position)),
      textArray(changes.map(({ change }) => change.status)),
      textArray(changes.map(({ change }) => change.reason)),
      ...idRange(column((record) => record.messageId)),
      textArray(changes.map(({ change }) => change.event)),
      textArray(changes.map(({ record, change }) => eventData(record, change))),
    ],
  })
}

function eventData({ attempt }: OutcomeRecord, { reason }: RecipientChange): string {
  return JSON.stringify({ ...(attempt && { attempt: attempt.number }), ...(reason !== null && { reason }) })
}
