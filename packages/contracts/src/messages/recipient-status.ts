/** Where a recipient can be. The order is that of the usual life, then the ends. */
export const recipientStatuses = [
  'scheduled',
  'queued',
  'sending',
  'sent',
  'delivered',
  'deferred',
  'held',
  'unknown',
  'failed',
  'bounced',
  'complained',
  'suppressed',
  'cancelled',
] as const

export type RecipientStatus = (typeof recipientStatuses)[number]

/** Statuses of a recipient that still waits for an attempt. */
export const pendingStatuses: readonly RecipientStatus[] = ['scheduled', 'queued', 'deferred', 'held']

/** True for a status, as read back from the database, of a recipient that still waits for an attempt. */
export function isPendingStatus(status: string): boolean {
  return pendingStatuses.some((pending) => pending === status)
}

/**
 * Which recipient speaks for the message: first what is still going on, then what needs somebody's attention,
 * then what went wrong, then success. Recipients that were left out on purpose count only when all were.
 */
export const messageStatusPrecedence = [
  'sending',
  'queued',
  'deferred',
  'scheduled',
  'held',
  'unknown',
  'failed',
  'bounced',
  'complained',
  'sent',
  'delivered',
  'suppressed',
  'cancelled',
] as const satisfies readonly RecipientStatus[]

/** The status of a message, derived from those of its recipients in any order. */
export function messageStatus(statuses: readonly RecipientStatus[]): RecipientStatus {
  const first = messageStatusPrecedence.find((status) => statuses.includes(status))
  if (first === undefined) throw new RangeError('a message has at least one recipient')
  return first
}
