import type { Mailbox, OutboundMessage } from '../provider.ts'

/** Safely below the 76 characters where folding begins. */
const FIELD_CHARS_MAX = 70

const PLAIN_ADDRESS = /^[A-Za-z0-9]+([._+-][A-Za-z0-9]+)*@[a-z0-9]+([.-][a-z0-9]+)*$/
const PLAIN_WORDS = /^[A-Za-z0-9]+( [A-Za-z0-9]+)*$/
const PLAIN_SUBJECT = /^[!#-~]+( [!#-~]+)*$/
const PLAIN_BODY = /^[\t\r\n\x20-\x7e]*$/
/** Above this, nodemailer quotes without looking at the lines. */
const LOOKED_AT_CHARS_MAX = 128 * 1024

function plainMailbox({ address, name }: Mailbox): string | null {
  if (!PLAIN_ADDRESS.test(address) || address.includes('xn--')) return null
  if (name === undefined || name === '') return address
  return PLAIN_WORDS.test(name) ? `${name} <${address}>` : null
}

/** The lines of these fields, or null if one needs encoding or folding. */
function plainFields(fields: readonly (readonly [string, string | null])[]): string | null {
  let lines = ''
  for (const [name, value] of fields) {
    if (value === null || name.length + 2 + value.length > FIELD_CHARS_MAX) return null
    lines += `${name}: ${value}\r\n`
  }
  return lines
}

/** One word: it stands on the line of its name, or alone on the next. Close to the limit, the composer decides. */
function plainMessageId(messageId: string): string | null {
  if (messageId.length <= FIELD_CHARS_MAX - 12) return `Message-ID: ${messageId}\r\n`
  return messageId.length >= FIELD_CHARS_MAX ? `Message-ID:\r\n ${messageId}\r\n` : null
}

function plainList(mailboxes: Mailbox[]): string | null {
  const parts = mailboxes.map(plainMailbox)
  return parts.includes(null) ? null : parts.join(', ')
}

const QUOTED_LINE_CHARS_MAX = 76
/** So far from its end, a line is broken behind a space or a stop rather than within a word. */
const MARGIN_CHARS = 25
const BREAK_BEHIND = new Set([' ', '\t', '.', ',', '!', '?'])

function hasLongLine(body: string): boolean {
  for (let start = 0; start < body.length; ) {
    const end = body.indexOf('\r\n', start)
    if ((end === -1 ? body.length : end) - start > QUOTED_LINE_CHARS_MAX) return true
    if (end === -1) return false
    start = end + 2
  }
  return false
}

/** Where the line that may reach to `end` ends: not within what is quoted, and with room for the soft break if more follows. */
function lineEnd(quoted: string, start: number, end: number): number {
  const hasMore = end < quoted.length
  if (end - start > QUOTED_LINE_CHARS_MAX - MARGIN_CHARS) {
    for (let at = end - 1; at >= end - MARGIN_CHARS; at--)
      if (BREAK_BEHIND.has(quoted.charAt(at))) return at + 1 < end || !hasMore ? at + 1 : end - 1
  }
  if (quoted[end - 1] === '=') return end - 1
  if (quoted[end - 2] === '=') return end - 2
  if (!hasMore) return end
  return quoted[end - 3] === '=' ? end - 3 : end - 1
}

/** Soft line breaks (RFC 2045, section 6.7, rule 5) where nodemailer has them: 1.2 µs for 2.3 kB instead of 9. */
function wrapQuoted(quoted: string): string {
  if (quoted.length <= QUOTED_LINE_CHARS_MAX) return quoted
  let wrapped = ''
  let newline = -2
  for (let start = 0; start < quoted.length; ) {
    const end = Math.min(start + QUOTED_LINE_CHARS_MAX, quoted.length)
    if (newline < start && newline !== -1) newline = quoted.indexOf('\r\n', start)
    const isLine = newline !== -1 && newline + 2 <= end
    const cut = isLine ? newline + 2 : lineEnd(quoted, start, end)
    wrapped += quoted.slice(start, cut)
    if (!isLine && cut < quoted.length) wrapped += '=\r\n'
    start = cut
  }
  return wrapped
}

/** Quoted-printable of ASCII, before it is wrapped: only these need quoting (RFC 2045, section 6.7). */
function quoteAscii(body: string): string {
  return body.replace(/=|[ \t](?=[\r\n]|$)/g, (one) => (one === '=' ? '=3D' : one === ' ' ? '=20' : '=09'))
}

function plainPart(type: string, content: string): { encoding: string; type: string; body: string } | null {
  if (content === '' || !PLAIN_BODY.test(content)) return null
  const body = content.replace(/\r\n|\r|\n/g, '\r\n')
  const isQuoted = body.length > LOOKED_AT_CHARS_MAX || hasLongLine(body)
  return {
    encoding: `Content-Transfer-Encoding: ${isQuoted ? 'quoted-printable' : '7bit'}\r\n`,
    type: `Content-Type: text/${type}; charset=utf-8\r\n`,
    body: isQuoted ? wrapQuoted(quoteAscii(body)) : body,
  }
}

function plainBody(message: OutboundMessage): string | null {
  const parts = []
  for (const [type, content] of [
    ['plain', message.text],
    ['html', message.html],
  ] as const) {
    if (content === undefined) continue
    const part = plainPart(type, content)
    if (part === null) return null
    parts.push(part)
  }
  const [first, second] = parts
  if (!first) return null
  if (!second) return `${first.encoding}MIME-Version: 1.0\r\n${first.type}\r\n${first.body}`
  const boundary = `=_lg-${message.id}-Part_1`
  const both = parts
    .map((part) => `--${boundary}\r\n${part.type}${part.encoding}\r\n${part.body}\r\n`)
    .join('')
  return `MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="${boundary}"\r\n\r\n${both}--${boundary}--\r\n`
}

/**
 * The most usual mail (ASCII, short fields, no attachment, no header of its own) written at once; null for any other.
 * To the byte what nodemailer's composer gives, which a property test holds: 18 instead of 70 µs a message.
 */
export function plainMime(message: OutboundMessage, messageId: string): string | null {
  if (message.attachments.length > 0 || Object.keys(message.headers).length > 0) return null
  if (!PLAIN_SUBJECT.test(message.subject) || message.subject.includes('=?')) return null
  const head = plainFields([
    ['X-LG-Id', message.id],
    ['From', plainMailbox(message.from)],
    ['To', plainList(message.to)],
    ...(message.cc.length > 0 ? [['Cc', plainList(message.cc)] as const] : []),
    ...(message.replyTo.length > 0 ? [['Reply-To', plainList(message.replyTo)] as const] : []),
    ['Subject', message.subject],
  ])
  if (head === null || message.to.length === 0) return null
  const body = plainBody(message)
  if (body === null) return null
  const id = plainMessageId(messageId)
  if (id === null) return null
  const date = `Date: ${message.createdAt.toUTCString().replace('GMT', '+0000')}\r\n`
  return head + id + date + (body.endsWith('\n') ? body : `${body}\r\n`)
}
