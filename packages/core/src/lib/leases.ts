/** A claim that its worker has not begun within this time goes back to the backlog. */
export const CLAIM_LEASE_MS = 10_000
/** An attempt without a result after this time counts as lost: its outcome is unknown. */
export const SENDING_LEASE_MS = 60_000
/** Whole call to a provider; below half of the lease, so that a result always comes in time. */
export const CALL_DEADLINE_MS = 25_000
/** A call that cannot begin within this time, since others are before it, ends: what is left would be too short for it. */
export const BEGIN_DEADLINE_MS = 15_000
/**
 * From the fence to the answer to a message that is out as a whole, where servers look at it before they answer. Below the lease by
 * so much that the result is written before the lease ends.
 */
export const ANSWER_DEADLINE_MS = 50_000
