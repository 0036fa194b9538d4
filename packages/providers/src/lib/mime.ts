import MailComposer from 'nodemailer/lib/mail-composer'
import type MimeNode from 'nodemailer/lib/mime-node'
import { encode as encodeQuoted, wrap as wrapQuoted } from 'nodemailer/lib/qp'
import type { Mailbox, OutboundAttachment, OutboundMessage } from '../provider.ts'
import { divide } from './alternatives.ts'
import { encodeLarge, encodeWeight, LARGE_BYTES_MIN } from './encode-large.ts'
import { plainMime } from './mime-plain.ts'
import { useOwnWords } from './mime-words.ts'

const base64LineBytes = 57
/** An empty group: https://www.rfc-editor.org/rfc/rfc5322#section-3.4 */
const undisclosed = Buffer.from('To: undisclosed-recipients:;\r\n')
const idHeader = 'X-LG-Id'

/**
 * The message as it is sent: unchanged if its client wrote it. The same message gives the same bytes every time, so that every attempt carries
 * one mail and `/raw` can be rebuilt instead of stored. A large one is built by another thread.
 */
export async function buildMime(message: OutboundMessage): Promise<Buffer> {
  if (message.raw) return message.raw.bytes
  if (encodeWeight(message) < LARGE_BYTES_MIN) return buildMimeHere(message)
  // Keys stay in this thread.
  const { signingKeys: _keys, ...content } = message
  return encodeLarge({ kind: 'mime', message: content })
}

/** The same, in this thread. */
export function buildMimeHere(message: OutboundMessage): Buffer {
  const plain = plainMime(message, messageIdOf(message))
  if (plain !== null) return Buffer.from(plain, 'latin1')
  const mime = composeMime(message)
  return isUndisclosed(message) ? Buffer.concat([undisclosed, mime]) : mime
}

/** Any message, through nodemailer. */
export function composeMime(message: OutboundMessage): Buffer {
  const parts: Buffer[] = []
  render(compose(message), parts)
  const mime = Buffer.concat(parts)
  return mime.at(-1) === 0x0a ? mime : Buffer.concat([mime, Buffer.from('\r\n')])
}

/** The client's own Message-ID or ours, which a provider may replace. */
export function messageIdOf(message: OutboundMessage): string {
  if (message.raw) return message.raw.messageId
  return `<${message.id}@${message.from.address.slice(message.from.address.lastIndexOf('@') + 1)}>`
}

/** The tree of parts, made by nodemailer; Bcc is never part of it. */
export function compose(message: OutboundMessage): MimeNode {
  const headers = [[idHeader, message.id], ...Object.entries(message.headers)] as const
  const { amp, calendar, files } = divide(message.attachments)
  const names = new Map(headers.map(([name]) => [name.toLowerCase(), name]))
  const root = new MailComposer({
    from: toAddress(message.from),
    to: message.to.map(toAddress),
    cc: message.cc.map(toAddress),
    replyTo: message.replyTo.map(toAddress),
    subject: message.subject,
    messageId: messageIdOf(message),
    date: message.createdAt,
    text: message.text === undefined ? undefined : withCrlf(message.text),
    html: message.html === undefined ? undefined : withCrlf(message.html),
    // Between text and html, and behind both.
    ...(amp?.content.length && { amp: { content: withCrlf(amp.content.toString()) } }),
    ...(calendar && { alternatives: [toAlternative(calendar)] }),
    attachments: files.map(toAttachment),
    headers: headers.map(([key, value]) => ({ key, value })),
    normalizeHeaderKey: (key) => names.get(key.toLowerCase()) ?? key,
    // `=_` never occurs in quoted-printable or base64 text.
    boundaryPrefix: '=_lg',
    baseBoundary: message.id,
    // Nodemailer counts letters one by one to choose between Q and B; for ASCII the answer is known.
    ...(isAscii(message) && { textEncoding: 'quoted-printable' as const }),
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile()
  useOwnWords(root)
  return root
}

/**
 * Writes a tree of parts in one step. Nodemailer's own `build()` gives the same bytes through a chain of streams, which
 * takes three times the processor time; all our content is in memory already.
 */
function render(node: MimeNode, parts: Buffer[]): void {
  const encoding = node.getTransferEncoding()
  parts.push(Buffer.from(`${node.buildHeaders()}\r\n\r\n`))
  if (node.content !== undefined) parts.push(encodeContent(node.content, encoding))
  if (!node.multipart) return
  node.childNodes.forEach((child, index) => {
    parts.push(Buffer.from(`${index > 0 ? '\r\n' : ''}--${node.boundary}\r\n`))
    render(child, parts)
  })
  parts.push(Buffer.from(`\r\n--${node.boundary}--\r\n`))
}

function encodeContent(content: MimeNode['content'], encoding: string | false): Buffer {
  if (typeof content !== 'string' && !Buffer.isBuffer(content))
    throw new TypeError('content is not in memory')
  if (encoding === 'quoted-printable') return Buffer.from(wrapQuoted(encodeQuoted(content)), 'latin1')
  if (encoding === 'base64') return encodeBase64(Buffer.isBuffer(content) ? content : Buffer.from(content))
  return Buffer.isBuffer(content)
    ? Buffer.from(withCrlf(content.toString('latin1')), 'latin1')
    : Buffer.from(content)
}

function encodeBase64(content: Buffer): Buffer {
  const encoded = Buffer.from(content.toString('base64'), 'latin1')
  const lineBytes = (base64LineBytes * 4) / 3
  const breaks = Math.max(Math.ceil(encoded.length / lineBytes) - 1, 0)
  const output = Buffer.alloc(encoded.length + 2 * breaks, '\r\n')
  for (let from = 0, to = 0; from < encoded.length; from += lineBytes, to += lineBytes + 2) {
    encoded.copy(output, to, from, from + lineBytes)
  }
  return output
}

function toAddress({ address, name }: Mailbox): { address: string; name: string } {
  return { address, name: name ?? '' }
}

/** The type of an attachment, as it may be written: a part that claims to hold parts would break the structure around it. */
export function partType(contentType: string): string {
  return contentType.startsWith('multipart/') ? 'application/octet-stream' : contentType
}

function toAttachment(attachment: OutboundAttachment) {
  return {
    filename: attachment.filename,
    contentType: partType(attachment.contentType),
    contentDisposition: attachment.disposition,
    content: attachment.content,
    ...(attachment.contentId !== undefined && { cid: attachment.contentId }),
  }
}

/** Only blind copies: without a field for recipients, some servers write one, with all recipients. */
function isUndisclosed({ to, cc, bcc }: OutboundMessage): boolean {
  return to.length === 0 && cc.length === 0 && bcc.length > 0
}

/** In base64, so that its bytes arrive as they are. */
function toAlternative({ contentType, content }: OutboundAttachment) {
  return { contentType, content, contentTransferEncoding: 'base64' as const }
}

function isAscii({ subject, text = '', html = '' }: OutboundMessage): boolean {
  return [subject, text, html].every((part) => Buffer.byteLength(part) === part.length)
}

function withCrlf(text: string): string {
  return text.replace(/\r\n|\r|\n/g, '\r\n')
}
