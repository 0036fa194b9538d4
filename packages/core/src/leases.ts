/** A claim that its worker has not begun within this time goes back to the backlog. */
export const CLAIM_LEASE_MS = 10_000
/** A hand-off without a result after this time counts as lost: its outcome is unknown. */
export const SENDING_LEASE_MS = 60_000
/** Whole call to a provider; below half of the lease, so that a result always comes in time. */
export const CALL_DEADLINE_MS = 25_000
