/** Why an address is on the list, and which streams no longer send to it; '*' is every stream. */
export const suppressionStreams = {
  hard_bounce: '*',
  complaint: '*',
  // Mail that somebody asked for, such as a receipt, still goes to an address that unsubscribed from bulk mail.
  unsubscribe: 'bulk',
} as const

/** A reason that comes from what happened to a message. */
export type EventReason = keyof typeof suppressionStreams
