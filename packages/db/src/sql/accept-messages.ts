import { byteaArray, int2Array, int4Array, textArray, timestamptzArray, uuidArray } from '../arrays.ts'
import type { Queryable } from '../pool.ts'

export type AcceptRow = {
  id: string
  stream: string
  fromAddress: string
  fromName: string | null
  subject: string
  /** Postgres array literal. */
  tags: string
  /** JSON text. */
  metadata: string | null
  sendAt: Date | null
  connectionId: string | null
  attachmentCount: number
  contentBytes: number
  /** JSON text of a `ContentDocument`. */
  document: string
  recipients: { kind: 'to' | 'cc' | 'bcc'; address: string; name: string | null }[]
}

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
}

/**
 * One statement, so one round trip and one commit for many requests. In order:
 * `room` locks the usage rows of the tenants concerned; `fits` takes the smallest requests first, so that a refused
 * one is always larger than what is left (nothing is refused while room remains); `claimed` takes idempotency keys;
 * what got both is written, and exactly that much is added to usage. Locks are taken in key order: no deadlock.
 */
const TEXT = `
with unit as materialized (
  select * from unnest($1::int4[], $2::uuid[], $3::text[], $4::uuid[], $5::int4[], $6::bytea[], $7::bytea[], $8::text[])
    as u(unit, tenant_id, mode, request_id, n, key_hash, body_hash, answer)
), room as materialized (
  select w.tenant_id, w.mode, g.day, g.accepted, t.daily_limit
  from (select distinct tenant_id, mode from unit order by tenant_id, mode) w
  cross join lateral (
    select day, accepted from usage u
    where u.tenant_id = w.tenant_id and u.day = (now() at time zone 'utc')::date and u.mode = w.mode
    limit 1 for no key update
  ) g
  cross join lateral (select daily_limit from tenant where id = w.tenant_id limit 1) t
), fits as materialized (
  select u.*, r.day
  from (select *, sum(n) over (partition by tenant_id, mode order by n, unit) as running from unit) u
  join room r using (tenant_id, mode)
  where u.running <= r.daily_limit - r.accepted
), claimed as (
  insert into idempotency (tenant_id, key_hash, body_hash, request_id, answer)
  select tenant_id, key_hash, body_hash, request_id, answer::json from fits where key_hash is not null
  order by tenant_id, key_hash
  on conflict do nothing
  returning request_id
), admitted as materialized (
  select f.* from fits f
  where f.key_hash is null or f.request_id in (select request_id from claimed)
), spent as (
  update usage g set accepted = g.accepted + s.n
  from (select tenant_id, mode, day, sum(n)::int4 as n from admitted group by 1, 2, 3) s
  where g.tenant_id = s.tenant_id and g.mode = s.mode and g.day = s.day
  returning g.tenant_id, g.mode, g.accepted
), incoming as materialized (
  select a.tenant_id, a.mode, a.day, m.*
  from unnest($9::int4[], $10::uuid[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
              $17::timestamptz[], $18::uuid[], $19::int2[], $20::int4[], $21::text[])
    as m(unit, id, stream, from_address, from_name, subject, tags, metadata, send_at, connection_id,
         attachment_count, content_bytes, document)
  join admitted a using (unit)
), written_message as (
  insert into message (tenant_id, id, usage_day, mode, stream, from_address, from_name, subject, tags, metadata,
                       send_at, connection_id, attachment_count, content_bytes)
  select tenant_id, id, day, mode, stream, from_address, from_name, subject, tags::text[], metadata::json,
         send_at, connection_id, attachment_count, content_bytes
  from incoming
), written_content as (
  insert into message_content (tenant_id, message_id, document) select tenant_id, id, document::json from incoming
), written_recipient as (
  insert into recipient (tenant_id, message_id, position, kind, address, name, status)
  select i.tenant_id, i.id, r.position, r.kind, r.address, r.name,
         case when i.send_at > now() then 'scheduled' else 'queued' end
  from unnest($22::uuid[], $23::int2[], $24::text[], $25::text[], $26::text[])
    as r(message_id, position, kind, address, name)
  join incoming i on i.id = r.message_id
), written_outbox as (
  insert into outbox (message_id, tenant_id, mode, state, due_at, first_due_at, content_bytes, accepted_at)
  select id, tenant_id, mode, case when send_at > now() then 'waiting' else 'ready' end,
         greatest(send_at, now()), greatest(send_at, now()), content_bytes, now()
  from incoming
)
select u.unit, a.unit is not null as admitted, coalesce(s.accepted, r.accepted) as used, r.daily_limit as limit,
       now() as now,
       ceil(extract(epoch from (date_trunc('day', now() at time zone 'utc') + interval '1 day') - (now() at time zone 'utc')))::int4
         as reset_seconds
from unit u
left join admitted a using (unit)
left join room r on r.tenant_id = u.tenant_id and r.mode = u.mode
left join spent s on s.tenant_id = u.tenant_id and s.mode = u.mode
order by u.unit`

type Row = {
  admitted: boolean
  used: number | null
  limit: number | null
  now: Date
  reset_seconds: number
}

/** Accepts what the quotas of the units' tenants allow and answers for each unit, in order. All or nothing commits. */
export async function acceptMessages(db: Queryable, units: AcceptUnit[]): Promise<AcceptResult[]> {
  const messages = units.flatMap((unit, index) => unit.messages.map((row) => ({ unit: index, row })))
  const recipients = messages.flatMap(({ row }) =>
    row.recipients.map((recipient, position) => ({ messageId: row.id, position, recipient })),
  )
  const column = <T>(pick: (row: AcceptRow) => T): T[] => messages.map(({ row }) => pick(row))
  const { rows } = await db.query<Row>({
    name: 'accept-messages',
    text: TEXT,
    values: [
      int4Array(units.map((_, index) => index)),
      uuidArray(units.map((unit) => unit.tenantId)),
      textArray(units.map((unit) => unit.mode)),
      uuidArray(units.map((unit) => unit.requestId)),
      int4Array(units.map((unit) => unit.recipientCount)),
      byteaArray(units.map((unit) => unit.idempotency?.keyHash)),
      byteaArray(units.map((unit) => unit.idempotency?.bodyHash)),
      textArray(units.map((unit) => unit.idempotency?.answer)),
      int4Array(messages.map(({ unit }) => unit)),
      uuidArray(column((row) => row.id)),
      textArray(column((row) => row.stream)),
      textArray(column((row) => row.fromAddress)),
      textArray(column((row) => row.fromName)),
      textArray(column((row) => row.subject)),
      textArray(column((row) => row.tags)),
      textArray(column((row) => row.metadata)),
      timestamptzArray(column((row) => row.sendAt)),
      uuidArray(column((row) => row.connectionId)),
      int2Array(column((row) => row.attachmentCount)),
      int4Array(column((row) => row.contentBytes)),
      textArray(column((row) => row.document)),
      uuidArray(recipients.map(({ messageId }) => messageId)),
      int2Array(recipients.map(({ position }) => position)),
      textArray(recipients.map(({ recipient }) => recipient.kind)),
      textArray(recipients.map(({ recipient }) => recipient.address)),
      textArray(recipients.map(({ recipient }) => recipient.name)),
    ],
  })
  return rows.map((row) => ({
    admitted: row.admitted,
    used: row.used,
    limit: row.limit,
    now: row.now,
    resetSeconds: row.reset_seconds,
  }))
}
