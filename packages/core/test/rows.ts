import { randomUUID } from 'node:crypto'
import type { Pool } from '@lettergate/db/pool'
import { newId } from '@lettergate/db/test/ids'
import type { AcceptRow, AcceptUnit } from '../src/accept/index.ts'
import type { Envelope } from '../src/lib/index.ts'

/** A tenant with room for a million recipients, unless told otherwise. */
export async function buildTenant(
  pool: Pool,
  options: { dailyLimit?: number; onUnknown?: 'hold' | 'resend' } = {},
): Promise<string> {
  const id = randomUUID()
  await pool.query({
    text: `insert into tenant (id, name, plan, daily_limit, on_unknown) values ($1, 'Test', 'scale', $2, $3)`,
    values: [id, options.dailyLimit ?? 1_000_000, options.onUnknown ?? 'hold'],
  })
  return id
}

export function buildRow(change: Partial<AcceptRow> = {}): AcceptRow {
  const row = {
    id: newId(),
    stream: 'transactional',
    fromAddress: 'app@acme.example',
    fromName: null,
    subject: 'Hello',
    tags: [],
    metadata: null,
    sendAt: null,
    connectionId: null,
    attachmentCount: 0,
    contentBytes: 20,
    recipients: [{ kind: 'to' as const, address: 'user@example.net', name: null }],
    ...change,
  }
  const envelope: Envelope = {
    from: { address: row.fromAddress },
    subject: row.subject,
    tags: [],
    attachment_count: row.attachmentCount,
    recipients: row.recipients,
    ...(row.connectionId === null ? {} : { connection_id: row.connectionId }),
  }
  return { document: JSON.stringify({ envelope, text: 'Hello' }), ...row }
}

/** A request with one message, or with those given. */
export function buildUnit(
  tenantId: string,
  messages: AcceptRow[] = [buildRow()],
  change: Partial<AcceptUnit> = {},
): AcceptUnit {
  return {
    tenantId,
    mode: 'live',
    requestId: messages[0]?.id ?? newId(),
    recipientCount: messages.reduce((sum, message) => sum + message.recipients.length, 0),
    idempotency: null,
    messages,
    ...change,
  }
}
