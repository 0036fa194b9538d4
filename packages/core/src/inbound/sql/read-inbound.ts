import type { Queryable } from '@lettergate/db/pool'

export type InboundRecord = {
  id: string
  mode: 'live' | 'test'
  kind: string
  routeId: string | null
  aboutId: string | null
  rawId: string
  sender: string
  recipient: string
  bytes: number
  receivedAt: Date
  state: 'waiting' | 'done' | 'failed'
  parseError: string | null
  content: unknown
  actions: unknown
  mailboxId: string | null
  readAt: Date | null
}

const COLUMNS = `m.id, m.mode, m.kind, m.route_id as "routeId", m.about_id as "aboutId", m.raw_id as "rawId", m.sender, m.recipient, m.bytes,
  m.received_at as "receivedAt", m.state, m.parse_error as "parseError", m.content, m.actions, m.mailbox_id as "mailboxId",
  m.read_at as "readAt"`

/** One received mail; null: there is none. */
export async function readInboundRow(
  db: Queryable,
  tenantId: string,
  id: string,
): Promise<InboundRecord | null> {
  const { rows } = await db.query<InboundRecord>({
    name: 'read-inbound',
    text: `select ${COLUMNS} from inbound_message m where m.tenant_id = $1 and m.id = $2`,
    values: [tenantId, id],
  })
  return rows[0] ?? null
}

/** The mail itself, or a range of its bytes; null: it is gone. */
export async function readInboundRaw(
  db: Queryable,
  tenantId: string,
  rawId: string,
  range: { start: number; end: number } | null = null,
): Promise<Buffer | null> {
  const { rows } = await db.query<{ raw: Buffer }>({
    name: range ? 'read-inbound-raw-range' : 'read-inbound-raw',
    text: `select ${range ? 'substring(raw from $3::int4 + 1 for $4::int4)' : 'raw'} as raw from inbound_raw where tenant_id = $1 and id = $2`,
    values: [tenantId, rawId, ...(range ? [range.start, range.end - range.start] : [])],
  })
  return rows[0]?.raw ?? null
}

export type InboundListed = Omit<InboundRecord, 'content' | 'actions'> & { subject: string | null }

/** Received mails of a mode, newest first, before the id of the page before. */
export async function listInboundRows(
  db: Queryable,
  tenantId: string,
  filter: { mode: string; mailboxId: string | null; unread: boolean; before: string | null; limit: number },
): Promise<InboundListed[]> {
  const { mode, mailboxId, unread, before, limit } = filter
  const { rows } = await db.query<InboundListed>({
    name: mailboxId === null ? 'list-inbound' : 'list-mailbox',
    text: `
      select m.id, m.mode, m.kind, m.route_id as "routeId", m.about_id as "aboutId", m.raw_id as "rawId", m.sender, m.recipient, m.bytes,
             m.received_at as "receivedAt", m.state, m.parse_error as "parseError", m.mailbox_id as "mailboxId", m.read_at as "readAt",
             m.content ->> 'subject' as subject
      from inbound_message m
      where m.tenant_id = $1 and m.mode = $2 and ($3::uuid is null or m.id < $3) and (not $4::boolean or m.read_at is null)
        ${mailboxId === null ? 'and $5::uuid is null' : 'and m.mailbox_id = $5'}
      order by m.id desc limit $6`,
    values: [tenantId, mode, before, unread, mailboxId, limit],
  })
  return rows
}

export type CallTry = {
  seq: number
  at: Date
  number: number
  status: number | null
  ms: number
  error: string | null
  answer: string | null
}

/** Calls that were made with a mail, and when the next ones are due. */
export async function readInboundCalls(
  db: Queryable,
  tenantId: string,
  id: string,
  seqs: readonly number[],
): Promise<{ tries: CallTry[]; due: { seq: number; dueAt: Date }[] }> {
  if (seqs.length === 0) return { tries: [], due: [] }
  const tries = await db.query<CallTry>({
    name: 'read-inbound-tries',
    text: `
      select t.seq, t.at, t.number, t.status, t.ms, t.error, t.answer from delivery_try t
      where t.tenant_id = $1 and t.endpoint_id is null and t.seq = any ($3::int8[]) and t.message_id = $2
      order by t.at, t.number limit 200`,
    values: [tenantId, id, seqs],
  })
  const due = await db.query<{ seq: number; dueAt: Date }>({
    name: 'read-inbound-due-calls',
    text: `
      select d.seq, d.due_at as "dueAt" from delivery d
      where d.tenant_id = $1 and d.endpoint_id is null and d.seq = any ($3::int8[]) and d.message_id = $2`,
    values: [tenantId, id, seqs],
  })
  return { tries: tries.rows, due: due.rows }
}

export async function markInbound(
  db: Queryable,
  tenantId: string,
  { id, mode, isRead }: { id: string; mode: string; isRead: boolean },
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'mark-inbound',
    text: `
      update inbound_message set read_at = case when $4 then coalesce(read_at, now()) end
      where tenant_id = $1 and id = $2 and mode = $3`,
    values: [tenantId, id, mode, isRead],
  })
  return rowCount === 1
}

/** Removes a mail, and its bytes where no other recipient has it. */
export async function deleteInboundRow(
  db: Queryable,
  tenantId: string,
  { id, mode }: { id: string; mode: string },
): Promise<boolean> {
  const { rows } = await db.query<{ gone: boolean }>({
    name: 'delete-inbound',
    text: `
      with gone as (
        delete from inbound_message where tenant_id = $1 and id = $2 and mode = $3 returning raw_id
      ), work as (
        delete from inbound_due where tenant_id = $1 and id = $2 and exists (select from gone)
      ), raws as (
        delete from inbound_raw w using gone g
        where w.tenant_id = $1 and w.id = g.raw_id and not exists (
          select from inbound_message o where o.tenant_id = $1 and o.raw_id = g.raw_id and o.id <> $2)
      )
      select exists (select from gone) as gone`,
    values: [tenantId, id, mode],
  })
  return rows[0]?.gone ?? false
}

/** Has a mail read and acted on again; false: there is none, or it still waits. */
export async function replayInboundRow(
  db: Queryable,
  tenantId: string,
  { id, mode }: { id: string; mode: string },
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'replay-inbound',
    text: `
      with again as (
        update inbound_message set state = 'waiting' where tenant_id = $1 and id = $2 and mode = $3 and state <> 'waiting'
        returning id, bytes
      )
      insert into inbound_due (id, tenant_id, bytes, run) select id, $1, bytes, nextval('claim_epoch') from again
      on conflict do nothing`,
    values: [tenantId, id, mode],
  })
  return rowCount === 1
}
