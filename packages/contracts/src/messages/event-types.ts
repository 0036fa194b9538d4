/**
 * Everything that can happen to a message or to one of its recipients, in the words of the reference. The feed stores a type as its place
 * in this table: new ones go to the end.
 */
export const eventTypes = {
  'message.accepted': 'The message was stored with all its recipients; the answer was 202.',
  'recipient.sent': 'The provider took the message over for this recipient.',
  'recipient.delivered': 'The mail server of the recipient took the message.',
  'recipient.deferred': 'The hand-off did not succeed this time and will be tried again by itself.',
  'recipient.held': 'The message waits for something that only you can do, such as making a connection.',
  'recipient.unknown':
    'The message went out but no answer came: it may have been sent, and is not sent again by itself.',
  'recipient.failed': 'The message was not sent to this recipient and will not be tried again by itself.',
  'recipient.bounced': 'The mail server of the recipient refused the message, or sent it back later.',
  'recipient.complained': 'The recipient reported the message as spam.',
  'recipient.suppressed': 'The message was not sent because the address is on a suppression list.',
  'recipient.cancelled': 'The message was cancelled before it was handed over.',
  'recipient.retried': 'You asked for another try, and the recipient waits for it.',
} as const satisfies Record<string, string>

export type EventType = keyof typeof eventTypes

/** Narrows a text, such as one read back from the database, to a type of the list. */
export function isEventType(text: string): text is EventType {
  return Object.hasOwn(eventTypes, text)
}

/** All types, each at its place in the table. */
export const eventTypeNames: readonly EventType[] = Object.keys(eventTypes).filter(isEventType)
