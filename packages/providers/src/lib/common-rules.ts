import type { Rule } from './rules.ts'

const refusing = /^4(?!08|13|29)../

/**
 * Closes the table of every provider over HTTP: words of a 4xx that mean the same wherever they come from. The account comes before the
 * content, since an account may be stopped for its spam; texts that no row knows are not recognised.
 */
export const commonRules: Rule[] = [
  {
    status: refusing,
    message:
      /\b(account|sending|user|tenant|subaccount|domain)\b.{0,60}\b(suspended|paused|disabled|deactivated|terminated|blocked|locked|closed|banned|inactive|under review|not (yet )?(activated|active|approved))\b/i,
    is: 'provider-account-suspended',
  },
  {
    status: refusing,
    message: /\b(suspended|paused|disabled|deactivated|terminated|locked)\b.{0,40}\baccount\b/i,
    is: 'provider-account-suspended',
  },
  {
    status: refusing,
    message:
      /\bcredits?\b|\bquota\b|\b(daily|hourly|monthly|plan|sending|messaging|free)\b.{0,40}\b(limits?|allowance)\b|\blimits?\b.{0,40}\b(reached|exceeded|used up)\b/i,
    is: 'provider-quota-used-up',
  },
  {
    status: refusing,
    message: /\b(billing|payment|invoice|unpaid|upgrade|trial|your plan|current plan|license)\b/i,
    is: 'provider-account-suspended',
  },
  {
    status: refusing,
    message: /\bIP\b.{0,60}\b(block|blacklist|not (allow|authori|permit|white)|unauthori|unrecogni|unknown)/i,
    is: 'provider-permission-missing',
  },
  {
    status: refusing,
    message: /\b(permission|not authori[sz]ed|unauthori[sz]ed|access denied|forbidden)\b/i,
    is: 'provider-permission-missing',
  },
  {
    status: refusing,
    message:
      /\b(from|sender|sending domain|sender domain|sender address|sender identity|domain)\b.{0,80}\b(not (been )?(verified|allowed|authori[sz]ed|permitted|confirmed|registered|validated|valid)|unverified|unconfirmed|invalid|does not match)/i,
    is: 'provider-sender-refused',
  },
  {
    status: refusing,
    message: /\b(invalid|unverified|unconfigured|unknown)\b.{0,20}\b(from|sender|sending domain)\b/i,
    is: 'provider-sender-refused',
  },
  {
    status: refusing,
    message: /\b(template|ip pool|configuration set|message stream|subaccount|webhook|tracking domain)/i,
    is: 'provider-settings-wrong',
  },
  {
    status: refusing,
    message:
      /\b(recipients?|to address|email address)\b.{0,60}\b(suppressed|blacklisted|inactive|unsubscribed|does not exist|is invalid|not valid)\b/i,
    is: 'recipient-refused',
  },
  { status: refusing, message: /\b(spam|virus|malware|phishing)\b/i, is: 'message-refused' },
  {
    status: refusing,
    message: /\b(too (large|big)|(exceeds|exceeded).{0,40}\b(size|bytes|[KM]i?B))\b/i,
    is: 'message-too-large',
  },
  {
    status: refusing,
    message: /\b(subject|attachments?|content|body|header|mime|json|base64)\b/i,
    is: 'message-refused',
  },
  { is: 'refusal-unrecognised' },
]
