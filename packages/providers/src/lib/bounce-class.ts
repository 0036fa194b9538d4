import type { BounceClass } from './provider-event.ts'
import { senderWords } from './sender-words.ts'

// Meanings by https://www.rfc-editor.org/rfc/rfc3463 and
// https://www.iana.org/assignments/smtp-enhanced-status-codes/: the first row that fits. 5.0.0 and 5.5.x are too vague.
const byStatus: readonly (readonly [RegExp, BounceClass])[] = [
  [/^4\./, 'soft'],
  [/^5\.1\.(?:[12346]|10)$/, 'hard'],
  // Sender address, or the account of the sender.
  [/^5\.1\.[78]$/, 'block'],
  [/^5\.2\.1$/, 'hard'],
  [/^5\.4\.4$/, 'hard'],
  [/^5\.7\.1[78]$/, 'hard'],
  [/^5\.7\./, 'block'],
  [/^5\.[2346]\./, 'soft'],
]

// A policy that a mail server states in words counts more than its code: 5.1.1 and 5.0.0 are used for everything.
const policyWords =
  /\b(spam|spamhaus|barracuda|blacklist(ed)?|block ?list(ed)?|blocked|unsolicited|reputation|policy|dmarc|spf|dkim|banned)\b/i
const goneWords =
  /\b(unknown user|user unknown|no such (user|recipient|mailbox|address|person)|do(es)? ?n[o']t exist|not exist|invalid (recipient|mailbox|address)|unknown (recipient|mailbox)|no mailbox|unrouteable|mailbox (not found|disabled)|recipient (unknown|not found))\b/i
/** The text of RFC 5321 for any 550: some servers write it above the reason. */
const anyRefusal = /\bmailbox unavailable\b/i
const passingWords =
  /\b(over ?quota|quota exceeded|mailbox (is )?full|insufficient storage|too large|timed? ?out)\b/i
const wordsCharsMax = 2_000

/**
 * Classifies the final refusal of a mail server by its enhanced status and words; undefined when neither is known. Only a hard bounce
 * suppresses an address, so callers treat an unknown refusal as soft, unless their provider calls it hard itself.
 */
export function classifyBounce(enhancedStatus: string | undefined, words = ''): BounceClass | undefined {
  const said = words.slice(0, wordsCharsMax)
  // Of an address of ours, the words may be those for a bad recipient.
  if (senderWords.some((text) => text.test(said))) return 'block'
  if (policyWords.test(said) && !goneWords.test(said)) return 'block'
  const known = byStatus.find(([status]) => enhancedStatus !== undefined && status.test(enhancedStatus))
  if (known) return known[1]
  if (passingWords.test(said)) return 'soft'
  return goneWords.test(said) || anyRefusal.test(said) ? 'hard' : undefined
}
