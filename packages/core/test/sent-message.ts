import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { Pool } from '@lettergate/db/pool'
import { newId } from '@lettergate/db/test/ids'
import { acceptMessages } from '../src/accept/index.ts'
import { ensureUsage } from '../src/usage/index.ts'
import { buildRow, buildTenant, buildUnit } from './rows.ts'

export type SentMessage = { tenantId: string; id: string; connectionId: string; addresses: readonly string[] }

export type SentOptions = {
  /** Of the message: its day is that of its partition. */
  id?: string
  tenantId?: string
  connectionId?: string
  provider?: string
  outcome?: 'accepted' | 'unknown' | 'deferred'
  status?: string
  /** Whether the message still has something to do, in this state of the backlog. */
  backlog?: 'ready' | 'claimed' | 'sending'
}

/** A message with one recorded attempt for all its recipients: accepted, unless the test says otherwise. */
export async function buildSent(
  pool: Pool,
  addresses: readonly string[] = ['user@example.net'],
  options: SentOptions = {},
): Promise<SentMessage> {
  const { provider = 'postmark', outcome = 'accepted', status = 'sent', backlog } = options
  const tenantId = options.tenantId ?? (await buildTenant(pool))
  const connectionId = options.connectionId ?? newId()
  await ensureUsage(pool, [{ id: tenantId, mode: 'live' }])
  const row = buildRow({
    ...(options.id !== undefined && { id: options.id }),
    recipients: addresses.map((address) => ({ kind: 'to', address, name: null })),
  })
  await acceptMessages(pool, [buildUnit(tenantId, [row])])
  await pool.query({
    text: `with changed as (update recipient set status = $4 where message_id = $2)
      insert into attempt (tenant_id, message_id, number, connection_id, provider, started_at, outcome, provider_message_id, recipients)
      values ($1, $2, 1, $3, $5, now(), $6, $7, $8)`,
    values: [
      ...[tenantId, row.id, connectionId, status, provider, outcome],
      ...[`p-${row.id}`, addresses.map((_, position) => position)],
    ],
  })
  if (backlog) {
    await pool.query({
      text: 'update outbox set state = $2 where message_id = $1',
      values: [row.id, backlog],
    })
  } else await pool.query({ text: 'delete from outbox where message_id = $1', values: [row.id] })
  return { tenantId, id: row.id, connectionId, addresses }
}

/** Records of Postmark. */
const kinds = {
  delivered: { RecordType: 'Delivery' },
  soft: { RecordType: 'Bounce', Type: 'Transient', Details: '452 4.2.2 mailbox full' },
  bounced: { RecordType: 'Bounce', Type: 'HardBounce', Details: '550 5.1.1 no such user' },
  complained: { RecordType: 'SpamComplaint' },
  opened: { RecordType: 'Open', UserAgent: 'Mail 1.0' },
  clicked: { RecordType: 'Click', OriginalLink: 'https://acme.example/' },
  unsubscribed: {
    RecordType: 'SubscriptionChange',
    SuppressSending: true,
    SuppressionReason: 'ManualSuppression',
    Origin: 'Recipient',
  },
} as const
export type ReportedKind = keyof typeof kinds

/** A body of Postmark about one recipient. */
export function postmarkBody(
  kind: ReportedKind,
  { id, addresses }: Pick<SentMessage, 'id' | 'addresses'>,
  { at = new Date(), address = addresses[0], byProviderId = false, providerMessageId = `p-${id}` } = {},
): Buffer {
  const time = at.toISOString()
  const record = {
    ...kinds[kind],
    Recipient: address,
    Email: address,
    MessageID: providerMessageId,
    Metadata: byProviderId ? {} : { lg_id: toPublicId('msg', id) },
    DeliveredAt: time,
    BouncedAt: time,
    ReceivedAt: time,
    ChangedAt: time,
  }
  return Buffer.from(JSON.stringify(record))
}

export type MessageState = { statuses: string[]; events: string[] }

/** Statuses by position, and types of events in alphabetical order. */
export async function stateOfSent(pool: Pool, id: string): Promise<MessageState> {
  const { rows } = await pool.query<MessageState>({
    text: `
      select (select json_agg(status order by position) from recipient where message_id = $1) as statuses,
             (select coalesce(json_agg(type order by type), '[]') from event where message_id = $1) as events`,
    values: [id],
  })
  return rows[0] ?? { statuses: [], events: [] }
}
