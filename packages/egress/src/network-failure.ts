/** A connection or an exchange that came to nothing; `reason` may be shown to the tenant. */
export class NetworkFailure extends Error {
  readonly reason: string
  /** Whether the other side may have acted on what was sent. */
  readonly bodySent: boolean
  /** Whether our own policy refused it. */
  readonly refused: boolean

  constructor(reason: string, facts: { bodySent: boolean; refused: boolean }, cause?: unknown) {
    super(reason, { cause })
    this.name = 'NetworkFailure'
    this.reason = reason
    this.bodySent = facts.bodySent
    this.refused = facts.refused
  }
}

/** Nothing was sent: the connection could not be had. */
export function notConnected(reason: string, cause?: unknown): NetworkFailure {
  return new NetworkFailure(reason, { bodySent: false, refused: false }, cause)
}

/** Nothing was sent: the egress policy does not permit this target. */
export function notPermitted(reason: string): NetworkFailure {
  return new NetworkFailure(reason, { bodySent: false, refused: true })
}
