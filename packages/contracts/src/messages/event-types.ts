import type { RecipientStatus } from './recipient-status.ts'

/**
 * Everything that can happen to a message or to one of its recipients, in the words of the reference. The feed stores a type as its place
 * in this table: new ones go to the end.
 */
export const eventTypes = {
  'message.accepted': 'The message was stored with all its recipients; the answer was 202.',
  'recipient.sent': 'The provider accepted the message for this recipient.',
  'recipient.delivered': 'The mail server of the recipient accepted the message.',
  'recipient.deferred': 'The attempt did not succeed. It is retried automatically.',
  'recipient.held': 'The message waits for you, for instance to add a connection.',
  'recipient.unknown':
    'No answer came after the message was sent, so it may have been delivered. It is not sent again automatically.',
  'recipient.failed': 'The message was not sent to this recipient and is not retried.',
  'recipient.bounced': 'The mail server of the recipient refused the message, or returned it later.',
  'recipient.complained': 'The recipient reported the message as spam.',
  'recipient.suppressed': 'The message was not sent because the address is on a suppression list.',
  'recipient.cancelled': 'The message was cancelled before it was sent.',
  'recipient.retried': 'You asked for another attempt, and the recipient waits for it.',
  'recipient.accepted': 'The provider reports that it has the message for this recipient.',
  'recipient.delayed': 'The provider could not deliver yet, and retries automatically.',
  'recipient.opened': 'The message was opened.',
  'recipient.clicked': 'A link in the message was followed.',
  'recipient.unsubscribed': 'The recipient unsubscribed.',
  'recipient.rejected': 'The provider reports that it did not deliver the message and will not retry.',
  'endpoint.disabled':
    'An endpoint of yours was disabled: its URL said that it is gone, or had no success for five days.',
  'usage.warned': 'Four fifths of a limit of your plan are used.',
  'usage.exhausted': 'A limit of your plan is used up.',
  'pool.warned': 'Too much of your mail through the shared pool bounces or is reported as spam.',
  'pool.paused': 'Your mail is not sent through the shared pool until further notice.',
  'pool.resumed': 'Your mail is sent through the shared pool again.',
  'domain.verified': 'You have proved that a domain is yours.',
  'domain.warned':
    'The records of a domain of yours are gone. It is lost if they do not come back within a day.',
  'domain.failed': 'A domain of yours is not proved: its records are gone, or were not found for 72 hours.',
  'recipient.replied': 'The recipient replied to the message.',
  'inbound.received': 'A mail to an address of yours was received.',
  'inbound.failed': 'A received mail could not be given on.',
  'recipient.released': 'The held message was released, and the recipient waits for an attempt.',
} as const satisfies Record<string, string>

export type EventType = keyof typeof eventTypes

/** The status that a recipient has by an event, unless it has gone further already; absent: an event that says nothing of it. */
export const eventStatuses: Partial<Record<EventType, RecipientStatus>> = {
  'recipient.sent': 'sent',
  'recipient.delivered': 'delivered',
  'recipient.deferred': 'deferred',
  'recipient.held': 'held',
  'recipient.unknown': 'unknown',
  'recipient.failed': 'failed',
  'recipient.bounced': 'bounced',
  'recipient.complained': 'complained',
  'recipient.suppressed': 'suppressed',
  'recipient.cancelled': 'cancelled',
  'recipient.retried': 'queued',
  'recipient.accepted': 'sent',
  'recipient.delayed': 'sent',
  'recipient.rejected': 'failed',
}

/** Narrows a text, such as one read back from the database, to a type of the list. */
export function isEventType(text: string): text is EventType {
  return Object.hasOwn(eventTypes, text)
}

/** All types, each at its place in the table. */
export const eventTypeNames: readonly EventType[] = Object.keys(eventTypes).filter(isEventType)

/** How a type is stored: its place in the table, from 1. */
export const numberOfType = (type: EventType): number => eventTypeNames.indexOf(type) + 1

/** The type that is stored as this number. */
export function typeOfNumber(number: number): EventType {
  const type = eventTypeNames[number - 1]
  if (!type) throw new Error(`there is no type of events with the number ${number}`)
  return type
}
