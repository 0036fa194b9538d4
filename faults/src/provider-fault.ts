/** What the fake provider does with a request instead of accepting it at once. */
export type ProviderFault =
  /** Refuses: nothing is taken. */
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
  /** Takes the mail, answers late. */
  | { kind: 'delay'; delayMs: number }
  /** Reads the request and never answers; `taken`: the mail goes out all the same. */
  | { kind: 'no-answer'; taken: boolean }
  /** Breaks the connection before it reads the body (`match` cannot apply), or after all of it. */
  | { kind: 'reset-before-body' }
  | { kind: 'reset-after-body'; taken: boolean }
  /** Takes the mail, answers one byte at a time. */
  | { kind: 'drip'; everyMs: number }
  /** Takes the mail, answers with a body of that size. */
  | { kind: 'huge-answer'; bytes: number }

/** Applies to every n-th request that it matches; at most `times` times. */
export type FaultRule = { every?: number; times?: number; match?: string; fault: ProviderFault }

/** Picks the fault of each request: the first rule that falls due wins. */
export function createFaultScript(rules: FaultRule[]): (body: string) => ProviderFault | undefined {
  const counters = rules.map((rule) => ({ rule, matched: 0, done: 0 }))
  return (body) => {
    for (const counter of counters) {
      const { every = 1, times = Number.POSITIVE_INFINITY, match, fault } = counter.rule
      if (match !== undefined && !body.includes(match)) continue
      counter.matched += 1
      if (counter.matched % every !== 0 || counter.done >= times) continue
      counter.done += 1
      return fault
    }
    return undefined
  }
}
