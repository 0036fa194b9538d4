import type { SmtpRule } from './rule.ts'
import { contentRules } from './rules-content.ts'
import { ownRules } from './rules-own.ts'
import { recipientRules } from './rules-recipient.ts'
import { temporaryRules } from './rules-temporary.ts'

/** Replies without a row above. A refusal of MAIL FROM concerns the sender or the account, unless it concerns the syntax. */
const unknownRules: readonly SmtpRule[] = [
  { phases: ['open'], is: 'provider-settings-wrong' },
  { phases: ['mail'], code: /^5[05]/, text: /\b(syntax|parameters?|command)\b/, is: 'refusal-unrecognised' },
  { phases: ['mail'], code: /^(50[0-9]|555)/, is: 'refusal-unrecognised' },
  { phases: ['mail'], is: 'provider-sender-refused' },
  { is: 'refusal-unrecognised' },
]

/**
 * The first row that fits decides. What is said of the account, the sender or this installation's address stands before what is said of
 * the content, and that before the recipient: servers keep refusals of either until RCPT or DATA, so the phase tells nothing.
 */
export const smtpRules: readonly SmtpRule[] = [
  ...temporaryRules,
  ...ownRules,
  ...contentRules,
  ...recipientRules,
  ...unknownRules,
]
