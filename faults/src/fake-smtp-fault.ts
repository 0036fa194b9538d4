/** A step of an SMTP session that the fake server can answer otherwise than with yes. */
export type SmtpStage = 'greeting' | 'ehlo' | 'auth' | 'mail' | 'rcpt' | 'data' | 'dot'

/**
 * The action of the fake server at its stage instead of the usual reply. `taken`, at the dot: the mail is sent all the same. A reply of 421 closes
 * the connection as well: https://www.rfc-editor.org/rfc/rfc5321#section-3.8
 */
export type SmtpFault = { stage: SmtpStage; taken?: boolean } & (
  | { kind: 'reply'; reply: string }
  /** Continues as usual, later. */
  | { kind: 'delay'; delayMs: number }
  | { kind: 'no-answer' }
  | { kind: 'reset' }
  | { kind: 'close' }
  /** Its usual reply, a byte at a time; `lines`: after this number of others. */
  | { kind: 'drip'; everyMs: number; lines?: number }
  /** The same piece again and again, as fast as it is read. */
  | { kind: 'endless'; piece: string }
  /** Something that is not SMTP. */
  | { kind: 'garbage' }
)

/** Applies to every n-th time its stage is reached; at most `times` times. `match`: a part of the command, or of the mail. */
export type SmtpRule = { every?: number; times?: number; match?: string; fault: SmtpFault }

/**
 * `sessionsMax`: connections beyond this number get the reply that there are too many. `anew`: open connections are closed first, as
 * by a server that starts again.
 */
export type SmtpScript = { latencyMs?: number; sessionsMax?: number; anew?: true; rules: SmtpRule[] }

/** Picks the fault of each step: the first rule of its stage that falls due wins. */
export function createSmtpScript(
  rules: SmtpRule[],
): (stage: SmtpStage, said: string) => SmtpFault | undefined {
  const counters = rules.map((rule) => ({ rule, reached: 0, done: 0 }))
  return (stage, said) => {
    for (const counter of counters) {
      const { every = 1, times = Number.POSITIVE_INFINITY, match, fault } = counter.rule
      if (fault.stage !== stage || (match !== undefined && !said.includes(match))) continue
      counter.reached += 1
      if (counter.reached % every !== 0 || counter.done >= times) continue
      counter.done += 1
      return fault
    }
    return undefined
  }
}
