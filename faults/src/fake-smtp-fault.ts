/** A step of an SMTP session that the fake server can answer otherwise than with yes. */
export type SmtpStage = 'greeting' | 'ehlo' | 'mail' | 'rcpt' | 'data' | 'dot'

/** What the fake server does at its stage instead of going on. `taken`, at the dot: the mail goes out all the same. */
export type SmtpFault = { stage: SmtpStage; taken?: boolean } & (
  | { kind: 'reply'; reply: string }
  /** Goes on as usual, later. */
  | { kind: 'delay'; delayMs: number }
  | { kind: 'no-answer' }
  | { kind: 'reset' }
  | { kind: 'close' }
  /** Its usual reply, a byte at a time. */
  | { kind: 'drip'; everyMs: number }
  /** Something that is not SMTP. */
  | { kind: 'garbage' }
)

/** Applies to every n-th time its stage is reached; at most `times` times. */
export type SmtpRule = { every?: number; times?: number; fault: SmtpFault }

export type SmtpScript = { latencyMs?: number; rules: SmtpRule[] }

/** Picks the fault of each step: the first rule of its stage that falls due wins. */
export function createSmtpScript(rules: SmtpRule[]): (stage: SmtpStage) => SmtpFault | undefined {
  const counters = rules.map((rule) => ({ rule, reached: 0, done: 0 }))
  return (stage) => {
    for (const counter of counters) {
      const { every = 1, times = Number.POSITIVE_INFINITY, fault } = counter.rule
      if (fault.stage !== stage) continue
      counter.reached += 1
      if (counter.reached % every !== 0 || counter.done >= times) continue
      counter.done += 1
      return fault
    }
    return undefined
  }
}
