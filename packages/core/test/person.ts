import { Buffer } from 'node:buffer'
import type { Pool } from '@lettergate/db/pool'
import { newId } from '@lettergate/db/test/ids'
import { createAcceptor } from '../src/accept/index.ts'
import { noFailpoint } from '../src/lib/index.ts'
import { buildMessage } from './build-message.ts'

export type Mail = {
  to: string[]
  from?: string
  text?: string
  sendAt?: Date
}

/** Accepts one message by the real path; answers its id. */
export async function acceptMail(pool: Pool, tenantId: string, mail: Mail): Promise<string> {
  const acceptor = createAcceptor({ pool, wakeWorkers: () => {}, failpoint: noFailpoint, onError: () => {} })
  const message = buildMessage({
    from: { address: mail.from ?? 'app@acme.example' },
    to: mail.to.map((address) => ({ address, name: `Name of ${address}` })),
    text: mail.text ?? 'Hello',
    ...(mail.sendAt && { sendAt: mail.sendAt }),
  })
  const result = await acceptor.accept({ id: tenantId, mode: 'live' }, { messages: [message] })
  const id = result.kind === 'accepted' ? result.messages[0]?.id : undefined
  if (id === undefined) throw new Error(`not accepted: ${result.kind}`)
  return id
}

/** Rows of the pipeline that quote an address in all the ways that providers, receivers and people do. */
export async function quoteEverywhere(
  pool: Pool,
  tenantId: string,
  messageId: string,
  address: string,
): Promise<void> {
  const upper = address.toUpperCase()
  const quoted = JSON.stringify({
    text: `Hi\n${address}\tand <${upper}>`,
    url: `https://x.example/?u=${encodeURIComponent(address)}`,
  })
  const rows: [string, unknown[]][] = [
    [
      `insert into attempt (tenant_id, message_id, number, provider, started_at, outcome, reason, recipients)
       values ($1, $2, 1, 'smtp', now(), 'rejected', '550 5.1.1 <' || $3 || '>: unknown', '{0}')`,
      [tenantId, messageId, address],
    ],
    [
      `insert into event (tenant_id, message_id, type, data) values ($1, $2, 'recipient.bounced', $3::json)`,
      [tenantId, messageId, quoted],
    ],
    [
      `insert into account_event (tenant_id, seq, type, data) values ($1, 1, 'x', $2::json)`,
      [tenantId, quoted],
    ],
    [
      `insert into idempotency (tenant_id, key_hash, body_hash, request_id, answer) values ($1, sha256('k'), sha256('b'), $2, $3::json)`,
      [tenantId, messageId, quoted],
    ],
    [
      `insert into provider_event (tenant_id, connection_id, provider, headers, body) values ($1, $2, 'postmark', $3::json, $4)`,
      [tenantId, newId(), quoted, Buffer.from(`${quoted}\u0000ü`)],
    ],
    [
      `insert into delivery_try (tenant_id, mode, seq, type, number, ms, error, answer) values ($1, 'live', 1, 1, 1, 5, $2, $3)`,
      [tenantId, `no ${address}`, quoted],
    ],
    [
      `insert into connection_event (tenant_id, connection_id, type, reason) values ($1, $2, 'paused', $3)`,
      [tenantId, newId(), `mail to ${address} failed`],
    ],
    [
      `insert into audit_log (tenant_id, actor, action, target, target_id, before) values ($1, '{"kind":"key"}', 'updated', 'suppression', $2, $3::jsonb)`,
      [tenantId, address, quoted],
    ],
    [
      `insert into message_raw_chunk (tenant_id, message_id, chunk, content) values ($1, $2, 0, $3)`,
      [tenantId, messageId, Buffer.from(`To: ${address}\r\n\r\nHi ${address.replace('@', '=40')}`)],
    ],
    [
      `insert into attachment_chunk (tenant_id, message_id, position, chunk, content) values ($1, $2, 0, 0, $3)`,
      [tenantId, messageId, Buffer.from(`\u0000,${upper}\n`)],
    ],
    [
      `insert into suppression_job (tenant_id, id, mode, kind, options, state, finished_at) values ($1, $2, 'live', 'export', '{}', 'done', now())`,
      [tenantId, messageId],
    ],
    [
      `insert into suppression_chunk (tenant_id, job_id, chunk, line, lines, content) values ($1, $2, 0, 1, 1, $3)`,
      [tenantId, messageId, Buffer.from(`${address},*,manual\r\n`)],
    ],
  ]
  for (const [text, values] of rows) await pool.query({ text, values })
}
