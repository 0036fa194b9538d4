import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import type { MimeMailbox } from '@lettergate/providers/raw-mime/read-mime'
import { contentOf, type StoredContent } from './content.ts'

type Mail = { recipient: string; sender: string; content: StoredContent; raw: Buffer | null }

const shown = (list: readonly MimeMailbox[]): string =>
  list
    .map(({ name, address }) => (name === '' ? address : `"${name.replaceAll('"', "'")}" <${address}>`))
    .join(', ')

function signatureFields(secret: string, at: Date): [string, string][] {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const token = randomBytes(25).toString('hex')
  const signature = createHmac('sha256', secret)
    .update(timestamp + token)
    .digest('hex')
  return [
    ['timestamp', timestamp],
    ['token', token],
    ['signature', signature],
  ]
}

function fieldsOf({ recipient, sender, content }: Mail): [string, string][] {
  const { text, html, stripped_text, attachments, headers } = content
  const stripped = stripped_text ?? ''
  const signature = /\n-- ?\r?\n([\s\S]*)$/.exec((text ?? '').slice(0, 100_000))?.[1] ?? ''
  const contentIds = attachments.flatMap(({ content_id }, index) =>
    content_id === null ? [] : [[`<${content_id}>`, `attachment-${index + 1}`]],
  )
  return [
    ['recipient', recipient],
    ['sender', sender],
    ['from', shown(content.from)],
    ['subject', content.subject],
    ['body-plain', text ?? ''],
    ['stripped-text', stripped],
    ['stripped-signature', signature.trim()],
    ...(html === null
      ? []
      : ([
          ['body-html', html],
          ['stripped-html', html],
        ] satisfies [string, string][])),
    ...(attachments.length === 0
      ? []
      : ([['attachment-count', String(attachments.length)]] satisfies [string, string][])),
    ...(contentIds.length === 0
      ? []
      : ([['content-id-map', JSON.stringify(Object.fromEntries(contentIds))]] satisfies [string, string][])),
    ['message-headers', JSON.stringify(headers)],
    ['Message-Id', content.message_id ?? ''],
    ['To', shown(content.to)],
    ['Date', content.date ?? ''],
  ]
}

const quoted = (text: string): string =>
  text.replace(/["\r\n]/g, (char) => (char === '"' ? '%22' : char === '\r' ? '%0D' : '%0A'))

function multipart(
  fields: readonly [string, string][],
  { content, raw }: Mail,
): { body: Buffer; contentType: string } {
  const boundary = `lettergate-${randomUUID()}`
  const pieces: Buffer[] = fields.map(([name, value]) =>
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"\r\n\r\n${value}\r\n`,
    ),
  )
  for (const [index, file] of content.attachments.entries()) {
    if (!raw) break
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="attachment-${index + 1}"; filename="${quoted(file.filename)}"\r\nContent-Type: ${file.content_type.replace(/[^\x20-\x7e]/g, '')}\r\n\r\n`
    pieces.push(Buffer.from(head), contentOf(raw, file), Buffer.from('\r\n'))
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`))
  return { body: Buffer.concat(pieces), contentType: `multipart/form-data; boundary=${boundary}` }
}

/** A mail as Mailgun's routes post it; `secret` signs timestamp and token, as its signing key does. */
export function mailgunBody(mail: Mail, secret: string, at: Date): { body: Buffer; contentType: string } {
  const fields = [...fieldsOf(mail), ...signatureFields(secret, at)]
  if (mail.content.attachments.length > 0) return multipart(fields, mail)
  return {
    body: Buffer.from(new URLSearchParams(fields).toString()),
    contentType: 'application/x-www-form-urlencoded',
  }
}
