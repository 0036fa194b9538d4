import type { EventType } from '@lettergate/contracts/messages/event-types'
import type { RecipientStatus } from '@lettergate/contracts/messages/recipient-status'
import { column, rowArray } from '@lettergate/db/composite-rows'
import type { EventReason } from '../../suppressions/index.ts'

/** One event of one recipient, or of a message as a whole. */
export type EventItem = {
  tenantId: string
  messageId: string
  /** Null: of the message as a whole, or of a recipient that is not known. */
  position: number | null
  type: EventType
  /** The least that the recipient's status is by this event; null: the event says nothing of it. */
  status: RecipientStatus | null
  reason: string | null
  at: Date
  /** The same for every repeat of the event. */
  source: number
  /** As JSON. */
  data: string
  mode: string
  isBulk: boolean
  connectionId: string | null
  /** Whether the message has an attempt with unknown outcome, or recipients that wait for another attempt: the event may end that. */
  resolves: boolean
  /** Why the address is not to be sent to any more, if so. */
  suppress: EventReason | null
  address: string | null
}

export type EventKey = Pick<EventItem, 'messageId' | 'source'>

export const itemArray = rowArray<EventItem>('provider_event_item', [
  column('uuid', (item) => item.tenantId),
  column('uuid', (item) => item.messageId),
  column('int2', (item) => item.position),
  column('text', (item) => item.type),
  column('text', (item) => item.status),
  column('text', (item) => item.reason),
  column('timestamptz', (item) => item.at),
  column('int8', (item) => item.source),
  column('json', (item) => item.data),
  column('text', (item) => item.mode),
  column('int2', (item) => (item.isBulk ? 1 : 0)),
  column('uuid', (item) => item.connectionId),
  column('int2', (item) => (item.resolves ? 1 : 0)),
  column('text', (item) => item.suppress),
  column('text', (item) => item.address),
])
