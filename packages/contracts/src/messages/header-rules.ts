import { limits } from '../lib/field-limits.ts'
import { readHeaderValue } from '../lib/header-value.ts'
import { lineIssue } from '../lib/text-rules.ts'
import type { ValidationIssues } from '../problems/validation-issues.ts'

/** Narrower than RFC 5322 §3.6.8 allows; every header in use fits. */
export const headerNamePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,75}$/

// Set by the gateway or by a server on the way: from a client they would forge, redirect or break the message.
const reservedNames = new Set([
  ...['from', 'sender', 'to', 'cc', 'bcc', 'reply-to', 'subject', 'date', 'message-id', 'mime-version'],
  ...['return-path', 'received', 'received-spf', 'authentication-results', 'delivered-to', 'envelope-to'],
  ...['apparently-to', 'x-original-to', 'x-google-original-from', 'domainkey-signature'],
  ...['x-smtpapi', 'resend-idempotency-key', 'idempotency-key'],
])

// Families, most of them orders to a provider that would act outside what the tenant asked the gateway for.
const reservedPrefixes = [
  ...['content-', 'resent-', 'dkim-', 'arc-', 'x-lg-', 'x-ms-exchange-', 'x-amz-', 'x-ses-', 'x-sendgrid-'],
  ...['x-sg-', 'x-mailgun-', 'x-mc-', 'x-mandrill-', 'x-msys-', 'x-messagesystems-', 'x-sparkpost-', 'x-pm-'],
  ...['x-postmark-', 'x-resend-', 'x-mailin-', 'x-sib-', 'x-brevo-', 'x-mailjet-', 'x-mj-'],
]

/** Checks custom headers and gives them back as a record without a prototype. */
export function readHeaders(
  headers: Readonly<Record<string, string>> | undefined,
  issues: ValidationIssues,
): Record<string, string> {
  const checked: Record<string, string> = Object.create(null)
  if (headers === undefined) return checked
  const seen = new Set<string>()
  let bytes = 0
  for (const [name, value] of Object.entries(headers)) {
    const lowerName = name.toLowerCase()
    checkName(name, lowerName, seen, issues)
    issues.addIf(['headers', name], lineIssue(value) ?? valueIssue(name, value))
    // Colon, space and line end.
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 4
    seen.add(lowerName)
    checked[name] = value
  }
  if (bytes > limits.headerBytesMax)
    issues.add(['headers'], `are larger than ${limits.headerBytesMax} bytes together`)
  return checked
}

function valueIssue(name: string, value: string): string | undefined {
  // Larger ones are refused together; reading them would only cost.
  if (value.length > limits.headerBytesMax || name.length > limits.headerNameLengthMax) return undefined
  const read = readHeaderValue(name, value)
  return 'issue' in read ? read.issue : undefined
}

function checkName(
  name: string,
  lowerName: string,
  seen: ReadonlySet<string>,
  issues: ValidationIssues,
): void {
  if (!headerNamePattern.test(name)) {
    issues.add(
      ['headers', name],
      `has a name that is not a letter followed by letters, digits, - _ . (at most ${limits.headerNameLengthMax})`,
    )
  } else if (isReservedHeader(lowerName)) {
    issues.add(['headers', name], 'may only be set by the gateway', 'header-not-allowed')
  } else if (seen.has(lowerName)) {
    issues.add(['headers', name], 'is given twice, in different case')
  }
}

/** True for a name (lower case) that a client may not set. */
function isReservedHeader(lowerName: string): boolean {
  return reservedNames.has(lowerName) || reservedPrefixes.some((prefix) => lowerName.startsWith(prefix))
}
