import type { Phase, SmtpRule } from './rule.ts'

const beforeData: readonly Phase[] = ['rcpt']
const afterData: readonly Phase[] = ['data']

/** Temporary refusals. Codes: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.3 */
export const temporaryRules: readonly SmtpRule[] = [
  // Mailgun answers so before it knows the recipient; people repair it.
  { code: /^4/, text: /\bnot allowed to send\b.{0,40}\bactivate\b/, is: 'provider-account-suspended' },
  { text: /\bsandbox subdomains?\b|\bverify your recipient addresses in sandbox\b/, is: 'provider-sandbox' },
  // "454 Throttling failure: Daily message quota exceeded": https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
  {
    code: /^4/,
    text: /\b(daily|monthly) (\w+ )?(\w+ )?(quota|limit)\b|\bcredits? (limit )?exceeded\b|\bout of credits?\b/,
    is: 'provider-quota-used-up',
  },
  { code: /^4/, text: /\bsmtp relay limit\b/, is: 'provider-rate-limited' },
  // What is said of one recipient's mailbox, or of too many recipients in one go (the rest goes with the next attempt), is
  // no limit of the account, in whatever words.
  { phases: beforeData, enhanced: /^4\.(2\.\d+|5\.3)$/, is: 'recipient-deferred' },
  { phases: afterData, enhanced: /^4\.(2\.2|5\.3)$/, is: 'recipient-deferred' },
  // Rates and limits of the account (Exchange Online, Gmail, Brevo and others say so in words or by 4.7.0 and 5.4.5).
  { phases: beforeData, enhanced: /^4\.7\.28$/, is: 'provider-rate-limited' },
  { phases: beforeData, code: /^4/, text: /\b(rate|sending) limit|throttl/, is: 'provider-rate-limited' },
  { phases: beforeData, code: /^4/, is: 'recipient-deferred' },
  { code: /^4/, text: /\brate|\blimit|quota|too many|throttl/, is: 'provider-rate-limited' },
  { phases: afterData, code: /^4/, is: 'recipient-deferred' },
  { code: /^4/, is: 'provider-unavailable' },
  { enhanced: /^4\./, is: 'recipient-deferred' },
  // Out of sequence: a new session begins anew.
  { code: /^503/, is: 'provider-unavailable' },
  // Too many recipients at once.
  { enhanced: /^5\.5\.3$/, is: 'recipient-deferred' },
  { phases: beforeData, text: /\btoo many recipients\b/, is: 'recipient-deferred' },
]
