/**
 * How much of what happened to connections is kept. What broke last quarter is still worth looking up, what broke before is history;
 * and a connection that stops and works again all the time makes a pair of events every few seconds, of which the newest tell as much
 * as all of them.
 */
export const EVENTS_KEPT = { days: 90, ofConnection: 1_000 }
