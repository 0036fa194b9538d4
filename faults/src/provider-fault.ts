/** The action of the fake provider on a request instead of accepting it immediately. */
export type ProviderFault =
  /** Answers so; without `taken` it is a refusal, and no mail is sent. A redirect is a status with its `location`. */
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string>; taken?: boolean }
  /** Takes the mail, answers late. */
  | { kind: 'delay'; delayMs: number }
  /** Reads the request and never answers; `taken`: the mail is sent all the same. */
  | { kind: 'no-answer'; taken: boolean }
  /** Breaks a connection immediately, or before it reads the body (`match` cannot apply to either), or after all of it. */
  | { kind: 'reset-on-connect' }
  | { kind: 'reset-before-body' }
  | { kind: 'reset-after-body'; taken: boolean }
  /** Reads the request and closes its side without a word. */
  | { kind: 'half-close'; taken: boolean }
  /** Takes the mail, announces a longer answer than it sends, and closes. */
  | { kind: 'truncated-answer' }
  /** Takes the mail, answers 200 with half an object. */
  | { kind: 'broken-json' }
  /** Takes the mail, answers in another protocol. */
  | { kind: 'not-http' }
  /** Takes the mail, answers one byte at a time; `bytes`: padded to this number. */
  | { kind: 'drip'; everyMs: number; bytes?: number }
  /** Takes the mail, answers with a body of that size; `chunked`: without saying how long it will be. */
  | { kind: 'huge-answer'; bytes: number; chunked?: boolean }
  /** Takes the mail, answers with a head of that size. */
  | { kind: 'huge-headers'; bytes: number }
  /** Takes the mail, answers with a head that never ends, a field at a time. */
  | { kind: 'endless-headers'; everyMs: number }

/** Applies to every n-th request that it matches; at most `times` times. `match`: a part of the request's body. */
export type FaultRule = { every?: number; times?: number; match?: string; fault: ProviderFault }

type Pick = (body: () => string) => ProviderFault | undefined

/** The faults for each moment of an exchange. */
export type FaultScript = { onConnect: Pick; onHead: Pick; onRequest: Pick }

/** Picks the fault of each connection and request: the first rule that falls due wins. */
export function createFaultScript(rules: FaultRule[]): FaultScript {
  const early = (kind: ProviderFault['kind']) => picker(rules.filter((rule) => rule.fault.kind === kind))
  return {
    onConnect: early('reset-on-connect'),
    onHead: early('reset-before-body'),
    onRequest: picker(rules.filter(({ fault }) => !/^reset-(on-connect|before-body)$/.test(fault.kind))),
  }
}

function picker(rules: FaultRule[]): Pick {
  const counters = rules.map((rule) => ({ rule, matched: 0, done: 0 }))
  return (body) => {
    for (const counter of counters) {
      const { every = 1, times = Number.POSITIVE_INFINITY, match, fault } = counter.rule
      if (match !== undefined && !body().includes(match)) continue
      counter.matched += 1
      if (counter.matched % every !== 0 || counter.done >= times) continue
      counter.done += 1
      return fault
    }
    return undefined
  }
}
