/**
 * When retries of a message end, in SQL: at its tenant's limit after it was due. Waits for limits of a connection are added, and the limit
 * begins anew when a suspended tenant is resumed. `o` is its row of the backlog, `t` its tenant.
 */
export const RETRIES_END = `(greatest(o.first_due_at, t.resumed_at) + t.retry_hours * interval '1 hour' + o.throttled_ms * interval '1 ms')`

/** Whether retries have ended by the time of the next attempt. */
export function isOver({ expiresInMs }: { expiresInMs: number }, nextInMs = 0): boolean {
  return nextInMs >= expiresInMs
}

/** Words the reason of a recipient that failed when retries ended. */
export function gaveUp(retryHours: number, reason: string | null): string {
  return `gave up after ${retryHours} ${retryHours === 1 ? 'hour' : 'hours'}: ${reason}`
}
