import { int8Array, uuidArray } from '../arrays.ts'
import type { Queryable } from '../pool.ts'

export type LoadedRecipient = {
  position: number
  kind: 'to' | 'cc' | 'bcc'
  address: string
  name: string | null
  status: string
}

/** Everything but the attachments. `D`: what accept stored as the content document. */
export type LoadedMessage<D> = {
  tenantId: string
  messageId: string
  epoch: number
  mode: 'live' | 'test'
  createdAt: Date
  usageDay: string
  attempts: number
  /** Until the retries of this message end. */
  expiresInMs: number
  onUnknown: 'hold' | 'resend'
  connectionsVersion: number
  connectionId: string | null
  /** Set once the message is being sent: what the lost attempt used. */
  sending: { connectionId: string | null; provider: string; startedAt: Date } | null
  fromAddress: string
  fromName: string | null
  subject: string
  tags: string[]
  metadata: Record<string, string> | null
  attachmentCount: number
  document: D
  recipients: LoadedRecipient[]
}

/** `limit 1` keeps each lookup a probe of its own partition: joined plainly, a plan made while tables were small read them whole. */
const TEXT = `
select o.tenant_id, o.message_id, o.epoch, o.attempts, o.mode, o.provider, o.connection_id as sending_connection_id, o.sending_at,
       ceil(extract(epoch from o.first_due_at + interval '72 hours' - now()) * 1000)::float8 as expires_in_ms,
       t.on_unknown, t.connections_version, m.created_at, m.usage_day, m.connection_id, m.from_address, m.from_name, m.subject, m.tags, m.metadata,
       m.attachment_count, c.document, r.recipients
from unnest($1::uuid[], $2::uuid[], $3::int8[]) as k(tenant_id, message_id, epoch)
join outbox o on o.message_id = k.message_id and o.epoch = k.epoch and o.tenant_id = k.tenant_id
join tenant t on t.id = o.tenant_id
cross join lateral (
  select * from message m where m.tenant_id = k.tenant_id and m.id = k.message_id limit 1
) m
cross join lateral (
  select document from message_content c where c.tenant_id = k.tenant_id and c.message_id = k.message_id limit 1
) c
cross join lateral (
  select json_agg(json_build_object('position', p.position, 'kind', p.kind, 'address', p.address, 'name', p.name,
                                    'status', p.status) order by p.position) as recipients
  from recipient p where p.tenant_id = k.tenant_id and p.message_id = k.message_id
) r
where o.state = $4`

type Row<D> = {
  tenant_id: string
  message_id: string
  epoch: number
  attempts: number
  mode: 'live' | 'test'
  provider: string | null
  sending_connection_id: string | null
  sending_at: Date | null
  expires_in_ms: number
  on_unknown: 'hold' | 'resend'
  connections_version: number
  created_at: Date
  usage_day: string
  connection_id: string | null
  from_address: string
  from_name: string | null
  subject: string
  tags: string[]
  metadata: Record<string, string> | null
  attachment_count: number
  document: D
  recipients: LoadedRecipient[]
}

/** The messages whose claim still holds, in any order; the others are missing from the answer. */
export async function loadClaimed<D>(
  db: Queryable,
  claims: { tenantId: string; messageId: string; epoch: number }[],
  state: 'claimed' | 'sending',
): Promise<LoadedMessage<D>[]> {
  const { rows } = await db.query<Row<D>>({
    name: 'load-claimed',
    text: TEXT,
    values: [
      uuidArray(claims.map((claim) => claim.tenantId)),
      uuidArray(claims.map((claim) => claim.messageId)),
      int8Array(claims.map((claim) => claim.epoch)),
      state,
    ],
  })
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    messageId: row.message_id,
    epoch: row.epoch,
    mode: row.mode,
    createdAt: row.created_at,
    usageDay: row.usage_day,
    attempts: row.attempts,
    expiresInMs: row.expires_in_ms,
    onUnknown: row.on_unknown,
    connectionsVersion: row.connections_version,
    connectionId: row.connection_id,
    sending:
      row.sending_at && row.provider
        ? { connectionId: row.sending_connection_id, provider: row.provider, startedAt: row.sending_at }
        : null,
    fromAddress: row.from_address,
    fromName: row.from_name,
    subject: row.subject,
    tags: row.tags,
    metadata: row.metadata,
    attachmentCount: row.attachment_count,
    document: row.document,
    recipients: row.recipients,
  }))
}
