import { randomUUID } from 'node:crypto'
import type { Pool } from '@lettergate/db/pool'
import { newId } from '@lettergate/db/test/ids'
import type { AcceptRow, AcceptUnit } from '../src/accept/index.ts'
import type { Envelope } from '../src/lib/index.ts'

/** A tenant with room for a million recipients by default. */
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
    stream: 'transactional' as const,
    fromAddress: 'app@acme.example',
    fromName: null,
    subject: 'Hello',
    tags: [],
    metadata: null,
    sendAt: null,
    connectionId: null,
    attachmentCount: 0,
    callbackUrl: null,
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

export type TestConnection = {
  tenantId: string
  id: string
  provider: string
  name: string
  priority: number
  settings: unknown
  limits?: unknown
  sealedCredentials: Buffer
  dataKeyVersion: number
}

/** A connection as it is stored, with unsealed credentials unless the test sealed some. */
export async function buildConnection(pool: Pool, row: TestConnection): Promise<void> {
  await pool.query({
    text: `
      with changed as (update tenant set connections_version = connections_version + 1 where id = $1)
      insert into connection (tenant_id, id, provider, name, priority, settings, limits, sealed_credentials, data_key_version)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    values: [
      ...[row.tenantId, row.id, row.provider, row.name, row.priority, JSON.stringify(row.settings)],
      ...[row.limits && JSON.stringify(row.limits), row.sealedCredentials, row.dataKeyVersion],
    ],
  })
}

export type TestRoute = {
  tenantId: string
  id: string
  position: number
  name: string
  match: object
  strategy: 'ordered' | 'weighted'
  targets: { connection_id: string; weight: number }[]
  enabled: boolean
}

export async function buildRoute(pool: Pool, row: TestRoute): Promise<void> {
  await pool.query({
    text: `
      with changed as (update tenant set connections_version = connections_version + 1 where id = $1)
      insert into route (tenant_id, id, position, name, match, strategy, targets, enabled)
      values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      ...[row.tenantId, row.id, row.position, row.name, JSON.stringify(row.match), row.strategy],
      ...[JSON.stringify(row.targets), row.enabled],
    ],
  })
}

/** Other credentials, as a person stores them. */
export async function storeCredentials(
  pool: Pool,
  tenantId: string,
  id: string,
  { sealed, dataKeyVersion }: { sealed: Buffer; dataKeyVersion: number },
): Promise<void> {
  await pool.query({
    text: `
      update connection set sealed_credentials = $3, data_key_version = $4, credentials_rotated_at = now()
      where tenant_id = $1 and id = $2`,
    values: [tenantId, id, sealed, dataKeyVersion],
  })
}
