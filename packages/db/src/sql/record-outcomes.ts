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
 * Only the holder of the claim may write (`owned`). One late word is accepted without it: proof of acceptance for an
 * attempt that was given up as unknown (`late`).
 */
const TEXT = `
with result as materialized (
  select * from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::text[], $5::text[], $6::float8[], $7::int4[], $8::int2[],
                       $9::uuid[], $10::text[], $11::timestamptz[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])
    as r(tenant_id, message_id, epoch, mode, usage_day, retry_in_ms, give_back, number,
         connection_id, provider, started_at, outcome, scope, reason, provider_message_id, positions)
), owned as materialized (
  select r.* from result r
  join outbox o on o.message_id = r.message_id and o.epoch = r.epoch and o.tenant_id = r.tenant_id
  where o.state in ('claimed', 'sending')
  order by r.message_id
  for update of o
), late as materialized (
  select r.* from result r
  join attempt a on a.tenant_id = r.tenant_id and a.message_id = r.message_id and a.number = r.number
  where r.outcome = 'accepted' and a.outcome = 'unknown'
    and not exists (select from owned w where w.message_id = r.message_id)
), valid as materialized (
  select *, false as is_late from owned union all select *, true from late
), finished as (
  delete from outbox o using owned w where o.message_id = w.message_id and w.retry_in_ms is null
), again as (
  update outbox o set state = 'waiting', due_at = now() + w.retry_in_ms * interval '1 ms', lease_until = null,
                      sending_at = null
  from owned w where o.message_id = w.message_id and w.retry_in_ms is not null
), written_attempt as (
  insert into attempt (tenant_id, message_id, number, connection_id, provider, started_at, outcome, scope, reason,
                       provider_message_id, recipients)
  select tenant_id, message_id, number, connection_id, provider, started_at, outcome, scope, reason,
         provider_message_id, positions::int2[]
  from valid where number is not null
  on conflict (tenant_id, message_id, number) do update
    set outcome = excluded.outcome, scope = excluded.scope, reason = excluded.reason, finished_at = now(),
        provider_message_id = excluded.provider_message_id
    where attempt.outcome = 'unknown'
), change as materialized (
  select c.*, v.tenant_id, v.is_late, v.number
  from unnest($17::uuid[], $18::int2[], $19::text[], $20::text[], $21::text[])
    as c(message_id, position, status, reason, event)
  join valid v using (message_id)
), changed as (
  update recipient p set status = c.status, reason = c.reason, updated_at = now()
  from change c
  where p.tenant_id = c.tenant_id and p.message_id = c.message_id and p.position = c.position
    and (not c.is_late or p.status = 'unknown')
), written_event as (
  insert into event (tenant_id, message_id, position, type, data)
  select tenant_id, message_id, position, event,
         json_strip_nulls(json_build_object('attempt', number, 'reason', reason))
  from change where event is not null order by message_id, position
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
select pg_notify('lg_message', ids) from (select string_agg(message_id::text, ',') as ids from valid) n where ids is not null`

/** Messages in one statement: their ids must fit into one notification of 8,000 bytes. */
export const RECORD_MAX = 200

/** Safe to run twice: the second time nothing is owned any more. */
export async function recordOutcomes(db: Queryable, records: OutcomeRecord[]): Promise<void> {
  const changes = records.flatMap((record) =>
    record.changes.map((change) => ({ messageId: record.messageId, change })),
  )
  const column = <T>(pick: (record: OutcomeRecord) => T): T[] => records.map(pick)
  const attempt = <T>(pick: (attempt: NonNullable<OutcomeRecord['attempt']>) => T): (T | null)[] =>
    records.map((record) => record.attempt && pick(record.attempt))
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
      uuidArray(changes.map(({ messageId }) => messageId)),
      int2Array(changes.map(({ change }) => change.position)),
      textArray(changes.map(({ change }) => change.status)),
      textArray(changes.map(({ change }) => change.reason)),
      textArray(changes.map(({ change }) => change.event)),
    ],
  })
}
