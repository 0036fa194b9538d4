import type { Phase, SmtpRule } from './rule.ts'

const named: readonly Phase[] = ['rcpt', 'data']

/**
 * Replies about one recipient, by the registered code or in known texts of servers. At MAIL FROM the same texts are about
 * the sender.
 */
export const recipientRules: readonly SmtpRule[] = [
  // https://www.iana.org/assignments/smtp-enhanced-status-codes: bad or moved mailbox, bad system, null MX, disabled, full, owner changed.
  { phases: named, enhanced: /^5\.(1\.([1-46]|10)|2\.[124]|7\.1[78])$/, is: 'recipient-refused' },
  { phases: named, code: /^551/, is: 'recipient-refused' },
  {
    phases: named,
    text: /\b(no such|unknown|invalid|inactive|nonexistent|non-existent|bad|expired|disabled) (local )?(user|users?|recipient|recipients|mailbox|address|account|person|destination|e-?mail address|alias)\b|\bno (valid )?(recipients?|mailbox)\b|\bnot our customer\b/,
    is: 'recipient-refused',
  },
  {
    phases: named,
    text: /\b(user|recipient|mailbox|account|addressee|alias|person|address|recipient address|inbox)\b( \w+)?( name)?( here)?:? ?(is |was |has been |are )?(currently )?(unknown|not found|not exist\w*|does ?n[o']?t exist|does not exist|doesn't exist|unavailable|inactive|disabled|invalid|expired|suspended|closed|deactivated|not (available|valid|local|known|active|listed|here)|full|over quota|over its quota|doesn't have|no longer)\b/,
    is: 'recipient-refused',
  },
  {
    phases: named,
    text: /\b(recipient )?address rejected\b|\brecipient (was )?(rejected|refused|denied|not accepted)\b|\brejected recipient\b|\bmailbox unavailable\b|\bmailbox name not allowed\b|\bover ?quota\b|\bquota exceeded\b|\bexceed\w*\b.{0,20}\b(quota|storage)\b|\b(storage|mailbox) (is )?full\b|\bmailbox (is )?(full|exceed\w*)/,
    is: 'recipient-refused',
  },
  {
    phases: named,
    text: /\bunrout(e)?able (address|mail domain)\b|\bdoes not exist\b|\bdoesn't exist\b|\bdoesn't have a\b.{0,30}\baccount\b|\bno mailbox here\b|\bnot a (valid|known) (mailbox|recipient|user)\b|\b(domain|host)\b.{0,30}\bnot found\b|\bno longer (available|accepts?|in use|valid)\b|\bunknown (or illegal )?alias\b|\bnot (yet )?in (our )?(user|relay recipient) (list|table)\b/,
    is: 'recipient-refused',
  },
]
