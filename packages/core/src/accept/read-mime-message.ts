import { limits } from '@lettergate/contracts/lib/field-limits'
import { parseAddress, parseMailboxParts } from '@lettergate/contracts/lib/mailbox'
import { readHeaders } from '@lettergate/contracts/messages/header-rules'
import type { DsnRequest, Mailbox, NewMessage } from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import { ValidationIssues } from '@lettergate/contracts/problems/validation-issues'
import { type MimeFacts, type MimeMailbox, readMime } from '@lettergate/providers/raw-mime/read-mime'
import type { MimeMessage } from './submission.ts'

/** In the form in which addresses are stored and compared; null where it is none of ours. */
function toMailbox({ name, address }: MimeMailbox): Mailbox | null {
  const read = parseMailboxParts(address, name === '' ? undefined : name)
  if ('address' in read) return read
  const bare = parseAddress(address)
  return 'address' in bare ? bare : null
}

type Envelope = { returnPath: string; recipients: string[] }

function readEnvelope({ envelope }: MimeMessage, issues: ValidationIssues): Envelope {
  const from = envelope.from === '' ? { address: '' } : parseAddress(envelope.from)
  if ('detail' in from) issues.add(['envelope', 'from'], from.detail, from.code)
  const recipients = new Set<string>()
  for (const [index, text] of envelope.recipients.entries()) {
    const recipient = parseAddress(text)
    if ('detail' in recipient) issues.add(['envelope', 'recipients', index], recipient.detail, recipient.code)
    else recipients.add(recipient.address)
  }
  const max = limits.envelopeRecipientsMax
  if (envelope.recipients.length === 0) issues.add(['envelope', 'recipients'], 'has nobody')
  if (recipients.size > max) issues.add(['envelope', 'recipients'], `has more than ${max} addresses`)
  return { returnPath: 'address' in from ? from.address : '', recipients: [...recipients] }
}

/** By the addresses as they are stored. */
function readDsn({ envelope }: MimeMessage): DsnRequest | undefined {
  const { dsn } = envelope
  if (!dsn) return undefined
  const recipients = Object.entries(dsn.recipients).flatMap(([text, wishes]) => {
    const read = parseAddress(text)
    return 'address' in read ? [[read.address, wishes] as const] : []
  })
  return { ...dsn, recipients: Object.fromEntries(recipients) }
}

type Recipients = Pick<NewMessage, 'to' | 'cc' | 'bcc'> & { namesOthers: boolean }

/** Whom the envelope names stands where the header has them; whom the header has not gets a blind copy. */
function sortRecipients({ recipients }: Envelope, { to, cc, areRecipientsReadable }: MimeFacts): Recipients {
  const left = new Set(recipients)
  let namesOthers = !areRecipientsReadable
  const pick = (list: MimeMailbox[]): Mailbox[] =>
    list.flatMap((one) => {
      const mailbox = toMailbox(one)
      if (!mailbox || !recipients.includes(mailbox.address)) namesOthers = true
      return mailbox && left.delete(mailbox.address) ? [mailbox] : []
    })
  return { to: pick(to), cc: pick(cc), bcc: Array.from(left, (address) => ({ address })), namesOthers }
}

/** The header fields as a message of the API would have them, and why it could not. */
function readFields({ headers, replyTo }: MimeFacts): {
  headers: Record<string, string>
  replyTo: Mailbox[]
  lost: string | null
} {
  const issues = new ValidationIssues('')
  const checked = readHeaders(Object.fromEntries(headers), issues)
  const replies = replyTo.map(toMailbox).filter((one) => one !== null)
  const [issue] = issues.issues
  if (issue) return { headers: {}, replyTo: [], lost: `has a field (${issue.pointer}) that ${issue.detail}` }
  if (replies.length < replyTo.length || replies.length > limits.replyToMax)
    return { headers: {}, replyTo: [], lost: 'has addresses in Reply-To that are too many, or none' }
  return { headers: checked, replyTo: replies, lost: null }
}

function authorOf({ from }: MimeFacts, issues: ValidationIssues): Mailbox | undefined {
  const [author, ...more] = from
  if (!author || more.length > 0) {
    issues.add(['mime'], `names ${from.length} authors in From; there must be one`)
    return undefined
  }
  const mailbox = toMailbox(author)
  if (mailbox) return mailbox
  const read = parseAddress(author.address)
  if ('detail' in read) issues.add(['mime'], `has a From address that ${read.detail}`, read.code)
  return undefined
}

/** Reads a mail that its client wrote, and checks it with its envelope; answers a problem that names every issue. */
export async function readMimeMessage(given: MimeMessage, pointer: string): Promise<NewMessage | Problem> {
  if (given.mime.length > limits.mimeBytesMax) {
    const detail = `The mail is larger than ${limits.mimeBytesMax} bytes.`
    return new Problem('payload-too-large', { detail })
  }
  const issues = new ValidationIssues(pointer)
  const envelope = readEnvelope(given, issues)
  const read = await readMime(given.mime)
  if ('problem' in read) {
    issues.add(['mime'], read.problem)
    return issues.toProblem()
  }
  const { mail, facts } = read
  const from = authorOf(facts, issues)
  if (issues.found || !from) return issues.toProblem()
  const { namesOthers, ...recipients } = sortRecipients(envelope, facts)
  const { lost, ...fields } = readFields(facts)
  const isLongSubject = facts.subject.length > limits.subjectLengthMax
  const { messageId, hasDate, isAscii, isHeadAscii, textBytes, htmlBytes, attachments } = facts
  return {
    from,
    ...recipients,
    ...fields,
    ...given.options,
    subject: facts.subject.slice(0, limits.subjectLengthMax),
    attachments: [],
    returnPath: envelope.returnPath,
    dsn: readDsn(given),
    mime: {
      mail,
      messageId,
      hasDate,
      isAscii,
      isHeadAscii,
      textBytes,
      htmlBytes,
      attachments,
      namesOthers,
      orders: [...new Set(facts.names.filter((name) => name.startsWith('x-')))],
      lost: facts.lost ?? lost ?? (isLongSubject ? 'has a subject that is too long' : null),
    },
  }
}
