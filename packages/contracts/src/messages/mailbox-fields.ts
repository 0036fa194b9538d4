import { limits } from '../lib/field-limits.ts'
import { parseMailbox, parseMailboxParts } from '../lib/mailbox.ts'
import type { Path, ValidationIssues } from '../problems/validation-issues.ts'
import type { Mailbox } from './new-message.ts'

type MailboxInput = string | { email: string; name?: string | undefined }
type MailboxesInput = MailboxInput | MailboxInput[] | undefined

/** Reads a field that holds one mailbox or several; those with faults are left out. */
export function readMailboxes(field: string, value: MailboxesInput, issues: ValidationIssues): Mailbox[] {
  if (value === undefined) return []
  const mailboxes: Mailbox[] = []
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      const item = value[i]
      if (item !== undefined) addMailbox(mailboxes, item, [field, i], issues)
    }
  } else {
    addMailbox(mailboxes, value, [field], issues)
  }
  return mailboxes
}

function addMailbox(mailboxes: Mailbox[], input: MailboxInput, path: Path, issues: ValidationIssues): void {
  const isText = typeof input === 'string'
  const mailbox = isText ? parseMailbox(input) : parseMailboxParts(input.email, input.name)
  if ('address' in mailbox) mailboxes.push(mailbox)
  else issues.add(isText ? path : [...path, mailbox.part], mailbox.detail, mailbox.code)
}

const fields = ['to', 'cc', 'bcc'] as const

type Recipients = { to: Mailbox[]; cc: Mailbox[]; bcc: Mailbox[] }

/** Reads to, cc and bcc; an address given twice keeps its first place only, so that nobody gets two copies. */
export function readRecipients(
  shape: { to?: MailboxesInput; cc?: MailboxesInput; bcc?: MailboxesInput },
  issues: ValidationIssues,
): Recipients {
  const to = readMailboxes('to', shape.to, issues)
  const cc = readMailboxes('cc', shape.cc, issues)
  const bcc = readMailboxes('bcc', shape.bcc, issues)
  if (to.length + cc.length + bcc.length === 0 && !fields.some((field) => issues.touches(field))) {
    issues.add(['to'], 'must have an address where cc and bcc have none')
  }
  if (to.length + cc.length + bcc.length < 2) return { to, cc, bcc }
  const seen = new Set<string>()
  const first = ({ address }: Mailbox) => {
    const isFirst = !seen.has(address)
    seen.add(address)
    return isFirst
  }
  const recipients = { to: to.filter(first), cc: cc.filter(first), bcc: bcc.filter(first) }
  if (seen.size > limits.recipientsMax) {
    const detail = `with cc and bcc has ${seen.size} different addresses; at most ${limits.recipientsMax} are allowed`
    issues.add(['to'], detail)
  }
  return recipients
}
