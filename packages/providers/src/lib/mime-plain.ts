import type { Mailbox, OutboundMessage } from '../provider.ts'

/** Safely below the 76 characters where folding begins. */
const FIELD_CHARS_MAX = 70

const PLAIN_ADDRESS = /^[A-Za-z0-9]+([._+-][A-Za-z0-9]+)*@[a-z0-9]+([.-][a-z0-9]+)*$/
const PLAIN_WORDS = /^[A-Za-z0-9]+( [A-Za-z0-9]+)*$/
const PLAIN_SUBJECT = /^[!#-~]+( [!#-~]+)*$/
const PLAIN_BODY = /^[\t\r\n\x20-\x7e]*$/
/** Of a line of a body (RFC 2045, section 6.7, rule 5). */
const LINE_CHARS_MAX = 76

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

function plainList(mailboxes: Mailbox[]): string | null {
  const parts = mailboxes.map(plainMailbox)
  return parts.includes(null) ? null : parts.join(', ')
}

/** Quoted-printable of one ASCII line (RFC 2045, section 6.7), with a soft break wherever it would become too long. */
function quoteLine(line: string): string {
  const quoted = line.replace(/=|[ \t]$/g, (one) => (one === '=' ? '=3D' : one === ' ' ? '=20' : '=09'))
  let wrapped = ''
  let start = 0
  while (quoted.length - start > LINE_CHARS_MAX) {
    let end = start + LINE_CHARS_MAX - 1
    // Keeps an escape of three characters whole.
    if (quoted[end - 1] === '=') end -= 1
    else if (quoted[end - 2] === '=') end -= 2
    wrapped += `${quoted.slice(start, end)}=\r\n`
    start = end
  }
  return wrapped + quoted.slice(start)
}

function plainPart(type: string, content: string): { encoding: string; type: string; body: string } | null {
  if (content === '' || !PLAIN_BODY.test(content)) return null
  const lines = content.split(/\r\n|\r|\n/)
  const isQuoted = lines.some((line) => line.length > LINE_CHARS_MAX)
  return {
    encoding: `Content-Transfer-Encoding: ${isQuoted ? 'quoted-printable' : '7bit'}\r\n`,
    type: `Content-Type: text/${type}; charset=utf-8\r\n`,
    body: (isQuoted ? lines.map(quoteLine) : lines).join('\r\n'),
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
 * The most usual mail (ASCII, short fields, no attachment, no header of its own) written in one step; null for any other.
 * A property test holds that it parses to the same message as the output of nodemailer's composer.
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
  const id = `Message-ID:${messageId.length > FIELD_CHARS_MAX - 12 ? '\r\n' : ''} ${messageId}\r\n`
  const date = `Date: ${message.createdAt.toUTCString().replace('GMT', '+0000')}\r\n`
  return head + id + date + (body.endsWith('\n') ? body : `${body}\r\n`)
}
