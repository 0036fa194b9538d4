/** How a mail server's final refusal is classed: only a hard one says that the address is bad. */
export type BounceClass = 'hard' | 'soft' | 'block'

/** The kind of an event, with the fields that only this kind has. */
export type EventDetail =
  /** The provider took the message; it has not tried to deliver it yet. */
  | { kind: 'accepted' }
  /** The provider began to deliver it. */
  | { kind: 'sent' }
  /** An attempt failed, and the provider retries automatically. */
  | { kind: 'deferred' }
  /** The mail server of the recipient took it. */
  | { kind: 'delivered' }
  /** Final. `block`: refused for content, sender or address of the sending host, so nothing is wrong with the recipient. */
  | { kind: 'bounced'; bounce: BounceClass }
  /** The recipient reported it as spam. */
  | { kind: 'complained' }
  /** `byMachine`: a proxy or scanner did it, as far as the provider can tell. */
  | { kind: 'opened'; byMachine: boolean; userAgent?: string | undefined }
  | { kind: 'clicked'; byMachine: boolean; userAgent?: string | undefined; url?: string | undefined }
  | { kind: 'unsubscribed' }
  /** Final, and not tried. `suppressed`: the recipient is on a list of the provider. */
  | { kind: 'rejected'; suppressed: boolean }

export type ProviderEventKind = EventDetail['kind']

/** In the order of a message's life. */
export const eventKinds: readonly ProviderEventKind[] = [
  'accepted',
  'sent',
  'deferred',
  'delivered',
  'bounced',
  'complained',
  'opened',
  'clicked',
  'unsubscribed',
  'rejected',
]

/** The kinds of events that a provider reports: all but these. */
export function kindsBut(...missing: ProviderEventKind[]): ProviderEventKind[] {
  return eventKinds.filter((kind) => !missing.includes(kind))
}

/** One event of one recipient, in the same form for every provider. Texts are on one line and bounded. */
export type ProviderEvent = EventDetail & {
  /** The provider's id of the event, or a hash where it gives none: the same on every repeat, unique within connection and recipient. */
  id: string
  at: Date
  /** Absent where the provider does not say whose event it is. */
  recipient?: string | undefined
  /** Our public id, `msg_…`, from what came back with the event. */
  messageId?: string | undefined
  providerMessageId?: string | undefined
  /** The Message-ID field of the mail, without its brackets. */
  mimeMessageId?: string | undefined
  /** The provider's own word for the event or its cause. */
  code?: string | undefined
  /** The words of the provider, or of the mail server that it repeats. */
  reason?: string | undefined
  /** RFC 3463, such as `5.1.1`. */
  enhancedStatus?: string | undefined
}

/** The events in a body, and how many records of it could not be read. Records that are about something else count as neither. */
export type Reading = { events: ProviderEvent[]; unread: number }
