/** What a failure of one class means for the message, and for the connection that it was sent through. */
type Class = {
  outcome: 'rejected-message' | 'rejected-account' | 'deferred' | 'unknown'
  /**
   * `slows`: the account as a whole was asked to wait. `fails`: counts towards opening the connection's circuit.
   * `none`: it answered, which says nothing about the next message. `unasked`: it was not even asked.
   */
  connection: 'slows' | 'fails' | 'none' | 'unasked'
  /**
   * What one connection does not take, another may. `true`: it ends the message only when no other is left. `'once'`: at most one other
   * that stands ready is tried, then it is final.
   */
  elsewhere?: true | 'once'
  /**
   * May be said of one recipient. A call that is refused so as a whole says nothing against those whom it does not name, so they are
   * handed over again: together where it names others, one at a time where it names nobody.
   */
  mayBeOneOfMany?: true
  /** Wait before the next try when the provider names none. */
  waitMs?: number
  /** No longer wait than this, however often it was tried. */
  waitMsMax?: number
}

/** Every way in which a hand-off can end without being accepted. Each has a page, docs/problems/<code>.md. */
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
  'provider-egress-refused': { outcome: 'rejected-account', connection: 'fails' },
  'provider-address-blocked': { outcome: 'rejected-account', connection: 'fails' },
  // One sender, one sandboxed recipient or one odd message says nothing about the others.
  'provider-sender-refused': { outcome: 'rejected-account', connection: 'none' },
  // One domain's server says nothing about those of all others.
  'sending-host-refused': { outcome: 'rejected-account', connection: 'none' },
  'provider-sandbox': { outcome: 'rejected-account', connection: 'none' },
  'provider-cannot-express': { outcome: 'rejected-account', connection: 'none' },
  // Our own sessions were all in use: the try did not begin, so it counts for nothing and is soon made again.
  'connection-busy': { outcome: 'deferred', connection: 'unasked', waitMsMax: 300_000 },
  'recipient-deferred': { outcome: 'deferred', connection: 'none' },
  // Words that nobody knows may be about the account, and must not be the end of a message that another connection would carry.
  'refusal-unrecognised': { outcome: 'rejected-message', connection: 'none', elsewhere: 'once' },
  // Known to be about the content: trying it elsewhere would spread it.
  'message-refused': { outcome: 'rejected-message', connection: 'none' },
  'message-too-large': { outcome: 'rejected-message', connection: 'none', elsewhere: true },
  'recipient-refused': { outcome: 'rejected-message', connection: 'none', mayBeOneOfMany: true },
  'outcome-unknown': { outcome: 'unknown', connection: 'fails' },
} as const satisfies Record<string, Class>

export type FailureCode = keyof typeof failureClasses

export const failureCodes = Object.keys(failureClasses) as FailureCode[]

/** The class that a code names. */
export function classOf(code: FailureCode): Class {
  return failureClasses[code]
}
