import { createHash, hash } from 'node:crypto'
import type { Submission } from '@lettergate/core/accept'
import { type Head, valuesOf } from '@lettergate/providers/raw-mime/head'

/** Written by each server on the way: a mail that is repeated over another one differs in them alone. */
const trace = new Set(['received', 'return-path', 'delivered-to', 'x-received'])

type Envelope = { from: string; recipients: readonly string[] }

function envelopeText({ from, recipients }: Envelope): string {
  return JSON.stringify([from, [...recipients].sort()])
}

/** Of the content without the trace at its top. */
function contentHash(mail: Buffer, { fields }: Head): Buffer {
  const first = fields.find(({ name }) => !trace.has(name))
  return createHash('sha256')
    .update(mail.subarray(first?.start ?? 0))
    .digest()
}

/**
 * By what a repeat of a mail is recognised for 24 hours: the key that the client gave, or else Message-ID, envelope and content. The
 * envelope belongs to it, since servers split a mail with many recipients; and the content, since programs that write one Message-ID
 * into all their mails must not lose any.
 */
export function repeatOf(
  mail: { mime: Buffer; head: Head; envelope: Envelope },
  idempotencyKey: string | null,
): Submission['idempotency'] {
  const envelope = envelopeText(mail.envelope)
  const [messageId] = valuesOf(mail.head, 'message-id')
  if (idempotencyKey === null && messageId === undefined) return null
  const content = contentHash(mail.mime, mail.head)
  const bodyHash = createHash('sha256').update(envelope).update(content).digest()
  if (idempotencyKey !== null) return { key: idempotencyKey, route: 'smtp', bodyHash }
  const key = hash('sha256', `${messageId}\n${bodyHash.toString('hex')}`, 'hex')
  return { key, route: 'smtp message-id', bodyHash }
}
