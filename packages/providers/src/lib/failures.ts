/** Effects of a class of failure on the message and on its connection. */
type Class = {
  outcome: 'rejected-message' | 'rejected-account' | 'deferred' | 'unknown'
  /**
   * `slows`: the whole account must wait. `fails`: counts towards opening the circuit. `none`: does not affect connection health.
   * `not-attempted`: no request was made.
   */
  connection: 'slows' | 'fails' | 'none' | 'not-attempted'
  /**
   * Whether another connection may accept the message. `true`: the failure is final once no other is left. `'once'`: at most one other that
   * is ready is tried.
   */
  elsewhere?: true | 'once'
  /**
   * The failure may concern one recipient. If a whole call is refused, unnamed recipients are sent again: together if others were named,
   * one recipient per call if none was named.
   */
  mayBeOneOfMany?: true
  /** Wait before the next attempt if the provider names none. */
  waitMs?: number
  /** Longest wait, for any number of attempts. */
  waitMsMax?: number
}

/** Lists every failure of an attempt. Each has a page, docs/problems/<code>.md. */
export const failureClasses = {
  'provider-rate-limited': { outcome: 'deferred', connection: 'slows' },
  'provider-quota-used-up': { outcome: 'deferred', connection: 'slows', waitMs: 3_600_000 },
  'provider-unavailable': { outcome: 'deferred', connection: 'fails' },
  'provider-unreachable': { outcome: 'deferred', connection: 'fails' },
  'provider-tls-failed': { outcome: 'rejected-account', connection: 'fails' },
  'provider-credentials-refused': { outcome: 'rejected-account', connection: 'fails' },
  'provider-permission-missing': { outcome: 'rejected-account', connection: 'fails' },
  'provider-account-suspended': { outcome: 'rejected-account', connection: 'fails' },
  'provider-settings-wrong': { outcome: 'rejected-account', connection: 'fails' },
  // Nothing was asked, so it says nothing of the provider: once the policy is changed, mail goes at once.
  'provider-egress-refused': { outcome: 'rejected-account', connection: 'none' },
  'provider-address-blocked': { outcome: 'rejected-account', connection: 'fails' },
  // Concerns one sender, one sandboxed recipient or one unusual message.
  'provider-sender-refused': { outcome: 'rejected-account', connection: 'none' },
  // Concerns the server of one recipient domain.
  'sending-host-refused': { outcome: 'rejected-account', connection: 'none' },
  'provider-sandbox': { outcome: 'rejected-account', connection: 'none' },
  'provider-cannot-express': { outcome: 'rejected-account', connection: 'none' },
  // All own sessions were in use: no attempt was made, and the next follows soon.
  'connection-busy': { outcome: 'deferred', connection: 'not-attempted', waitMsMax: 300_000 },
  'recipient-deferred': { outcome: 'deferred', connection: 'none' },
  // An unrecognised reply may concern the account, and another connection may carry the message.
  'refusal-unrecognised': { outcome: 'rejected-message', connection: 'none', elsewhere: 'once' },
  // Concerns the content: another connection would only spread it.
  'message-refused': { outcome: 'rejected-message', connection: 'none' },
  'message-too-large': { outcome: 'rejected-message', connection: 'none', elsewhere: true },
  'recipient-refused': { outcome: 'rejected-message', connection: 'none', mayBeOneOfMany: true },
  'outcome-unknown': { outcome: 'unknown', connection: 'fails' },
} as const satisfies Record<string, Class>

export type FailureCode = keyof typeof failureClasses

export const failureCodes = Object.keys(failureClasses) as FailureCode[]

/** Looks up the class of a code. */
export function classOf(code: FailureCode): Class {
  return failureClasses[code]
}
