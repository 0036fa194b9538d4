import type { Stream } from '@lettergate/contracts/messages/new-message'
import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'
import { appendAcceptances, appendEvents } from '../../lib/index.ts'
import { suppressedBecause, suppressionOf } from '../../suppressions/index.ts'
import { type AcceptRow, messageArray } from './accept-message-array.ts'

export type { AcceptRow } from './accept-message-array.ts'

/** One request: admitted as a whole or not at all. */
export type AcceptUnit = {
  tenantId: string
  mode: string
  requestId: string
  recipientCount: number
  idempotency: { keyHash: Buffer; bodyHash: Buffer; answer: string } | null
  messages: AcceptRow[]
}

export type AcceptResult = {
  admitted: boolean
  /** Null when the tenant has no usage row for today yet: call `ensureUsage` and try again. */
  used: number | null
  limit: number | null
  /** Database time of this transaction. */
  now: Date
  resetSeconds: number
  /** Recipients of the unit that count: not the suppressed ones. */
  counted: number
  suppressed: SuppressedRecipient[]
}

/** A recipient that stands on a suppression list: the id of its message, and its position there. */
export type SuppressedRecipient = [messageId: string, position: number]

/**
 * One statement, so one round trip and one commit for many requests. In order:
 * `addressed` looks every recipient up in the suppression lists, before anything is counted; `left_out` has the messages with suppressed
 * ones;
 * `room` locks the usage rows of the tenants concerned; `fits` takes the smallest requests first, so that a refused
 * one is always larger than what is left (nothing is refused while room remains); `claimed` takes idempotency keys;
 * what got both is written, and exactly that much is added to usage. Locks are taken in key order: no deadlock.
 */
const textOf = (extra = ''): string => `
with unit as materialized (
  select * from unnest($1::accept_unit[])
), addressed as materialized (
  select r.*, ${suppressionOf({ tenantId: 'u.tenant_id', mode: 'u.mode', address: 'r.address', stream: 'r.stream' })} as suppressed
  from unnest($3::accept_recipient_2[]) r
  join unit u using (unit)
), left_out as materialized (
  select unit, message_id, count(suppressed)::int4 as n, bool_and(suppressed is not null) as is_whole
  from addressed group by unit, message_id having count(suppressed) > 0
), named as materialized (
  select unit, json_agg(json_build_array(message_id, position) order by message_id, position) as list, count(*)::int4 as n
  from addressed where suppressed is not null group by unit
), locked as materialized (
  select tenant_id, mode, lock_usage(tenant_id, mode) as g
  from (select distinct tenant_id, mode from unit order by tenant_id, mode) w
), room as materialized (
  select l.tenant_id, l.mode, (l.g).day, (l.g).accepted, t.daily_limit
  from locked l
  cross join lateral (select daily_limit from tenant where id = l.tenant_id limit 1) t
  where (l.g).day is not null
), weighed as materialized (
  select u.unit, u.tenant_id, u.mode, u.request_id, u.n - coalesce(d.n, 0) as n, u.key_hash, u.body_hash, d.list,
         case when d.list is null then u.answer else (left(u.answer::text, -1) || ',"suppressed":' || d.list || '}')::json end as answer
  from unit u left join named d using (unit)
), fits as materialized (
  select u.*, r.day
  from (select *, sum(n) over (partition by tenant_id, mode order by n, unit) as running from weighed) u
  join room r using (tenant_id, mode)
  where u.running <= greatest(r.daily_limit - r.accepted, 0)
), claimed as (
  insert into idempotency (tenant_id, key_hash, body_hash, request_id, answer)
  select tenant_id, key_hash, body_hash, request_id, answer from fits where key_hash is not null
  order by tenant_id, key_hash
  on conflict do nothing
  returning request_id
), admitted as materialized (
  select f.* from fits f
  where f.key_hash is null or f.request_id in (select request_id from claimed)
), spent as materialized (
  select tenant_id, mode, add_usage(tenant_id, day, mode, n) as accepted
  from (select tenant_id, mode, day, sum(n)::int4 as n from admitted group by 1, 2, 3) s
), incoming as materialized (
  select a.tenant_id, a.mode, a.day, m.*
  from unnest($2::accept_message_2[]) m
  join admitted a using (unit)
), written_message as (
  insert into message (tenant_id, id, usage_day, mode, stream, from_address, from_name, subject, tags, metadata,
                       send_at, connection_id, attachment_count, content_bytes, callback_url)
  select tenant_id, id, day, mode, stream, from_address, from_name, subject, tags, metadata,
         send_at, connection_id, attachment_count, content_bytes, callback_url
  from incoming
), written_content as (
  insert into message_content (tenant_id, message_id, document)
  select tenant_id, id, document from incoming where document is not null
), written_recipient as (
  insert into recipient (tenant_id, message_id, position, kind, address, name, status, reason)
  select i.tenant_id, i.id, r.position, r.kind, r.address, r.name,
         case when r.suppressed is not null then 'suppressed' when i.send_at > now() then 'scheduled' else 'queued' end,
         ${suppressedBecause('r.suppressed')}
  from addressed r
  join incoming i on i.id = r.message_id
), written_outbox as (
  insert into outbox (message_id, tenant_id, mode, state, due_at, first_due_at, content_bytes, accepted_at, is_bulk)
  select id, tenant_id, mode, case when send_at > now() then 'waiting' else 'ready' end,
         greatest(send_at, now()), greatest(send_at, now()), content_bytes,
         case when l.message_id is null then now() end, stream = 'bulk'
  from incoming i left join left_out l on l.message_id = i.id
  where l.is_whole is not true
), ${appendAcceptances(`select tenant_id, id as message_id, mode, stream = 'bulk' as is_bulk from incoming`)}, ${appendEvents(`
  select i.tenant_id, i.id as message_id, r.position, 'recipient.suppressed' as type,
         json_build_object('reason', ${suppressedBecause('r.suppressed')}) as data, i.mode, i.stream = 'bulk' as is_bulk,
         null::uuid as connection_id
  from addressed r join incoming i on i.id = r.message_id
  where r.suppressed is not null
  order by i.id, r.position`)}${extra}
select u.unit, a.unit is not null as admitted, u.n as counted, u.list as suppressed, coalesce(s.accepted, r.accepted) as used, r.daily_limit as limit,
       now() as now,
       ceil(extract(epoch from (date_trunc('day', now() at time zone 'utc') + interval '1 day') - (now() at time zone 'utc')))::int4
         as reset_seconds
from weighed u
left join admitted a using (unit)
left join room r on r.tenant_id = u.tenant_id and r.mode = u.mode
left join spent s on s.tenant_id = u.tenant_id and s.mode = u.mode
order by u.unit`

const PLAIN = { name: 'accept-messages', text: textOf() }
/** A statement of its own, so that messages without a raw mail pay nothing for those with one. */
const WITH_RAW = {
  name: 'accept-messages-raw',
  text: textOf(`, written_raw as (
  insert into message_raw_chunk (tenant_id, message_id, chunk, content)
  select i.tenant_id, i.id, 0, r.content
  from unnest($4::accept_raw[]) r
  join incoming i on i.id = r.message_id
)`),
}

type Row = {
  admitted: boolean
  used: number | null
  limit: number | null
  now: Date
  reset_seconds: number
  counted: number
  suppressed: SuppressedRecipient[] | null
}

type Numbered<T> = T & { unit: number }
type RecipientRow = Numbered<AcceptRow['recipients'][number]> & {
  messageId: string
  position: number
  stream: Stream
}

const unitArray = rowArray<Numbered<AcceptUnit>>('accept_unit', [
  column('int4', (row) => row.unit),
  column('uuid', (row) => row.tenantId),
  column('text', (row) => row.mode),
  column('uuid', (row) => row.requestId),
  column('int4', (row) => row.recipientCount),
  column('bytea', (row) => row.idempotency?.keyHash),
  column('bytea', (row) => row.idempotency?.bodyHash),
  column('json', (row) => row.idempotency?.answer),
])
const recipientArray = rowArray<RecipientRow>('accept_recipient_2', [
  column('int4', (row) => row.unit),
  column('uuid', (row) => row.messageId),
  column('int2', (row) => row.position),
  column('text', (row) => row.kind),
  column('text', (row) => row.address),
  column('text', (row) => row.name),
  column('text', (row) => row.stream),
])

const rawArray = rowArray<{ messageId: string; content: Buffer }>('accept_raw', [
  column('uuid', (row) => row.messageId),
  column('bytea', (row) => row.content),
])

/**
 * Accepts what the quotas of the units' tenants allow and answers for each unit, in order. All or nothing commits. Documents and raw
 * mails that the transaction has written already are left out.
 */
export async function acceptMessages(
  db: Queryable,
  units: AcceptUnit[],
  options: { hasContent?: boolean } = {},
): Promise<AcceptResult[]> {
  const messages = units.flatMap((unit, index) => unit.messages.map((row) => ({ unit: index, row })))
  const recipients = messages.flatMap(({ unit, row: { id: messageId, stream, recipients } }) =>
    recipients.map((recipient, position) => ({ ...recipient, unit, messageId, position, stream })),
  )
  const raws = options.hasContent
    ? []
    : messages.flatMap(({ row }) => (row.raw ? [{ messageId: row.id, content: row.raw }] : []))
  const { rows } = await db.query<Row>({
    ...(raws.length > 0 ? WITH_RAW : PLAIN),
    values: [
      await unitArray(
        db,
        units.map((unit, index) => ({ ...unit, unit: index })),
      ),
      await messageArray(
        db,
        options.hasContent
          ? messages.map(({ unit, row }) => ({ unit, row: { ...row, document: null } }))
          : messages,
      ),
      await recipientArray(db, recipients),
      ...(raws.length > 0 ? [await rawArray(db, raws)] : []),
    ],
  })
  return rows.map((row) => ({
    admitted: row.admitted,
    used: row.used,
    limit: row.limit,
    now: row.now,
    resetSeconds: row.reset_seconds,
    counted: row.counted,
    suppressed: row.suppressed ?? [],
  }))
}
