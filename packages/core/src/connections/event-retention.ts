/**
 * Keeps connection events for 90 days, at most 1,000 for each connection: an unstable connection writes a pair every few seconds.
 */
export const EVENTS_KEPT = { days: 90, ofConnection: 1_000 }
