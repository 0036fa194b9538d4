import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { recipientStatuses } from '../messages/recipient-status.ts'
import { Event } from '../messages/responses.ts'

export const FeedEvent = Event.extend({
  message_id: field.maybeText('The message concerned; null: the event is about your account.'),
  status: z.enum(recipientStatuses).nullable().meta({
    description:
      'The status of the recipient by this event, unless it has gone further already; null: the event changes no status.',
  }),
  connection: field.maybeText('The connection that the event is about, if any.'),
  stream: z.enum(['transactional', 'bulk']).meta({ description: 'The stream of the message.' }),
  tags: field.texts('The tags of the message.'),
  metadata: z.record(z.string(), z.string()).meta({ description: 'The metadata of the message.' }),
}).meta({ id: 'FeedEvent', description: 'Something that happened, as the feed and callbacks report it.' })
export type FeedEvent = z.output<typeof FeedEvent>

export const FeedPage = z
  .object({
    data: z.array(FeedEvent).meta({ description: 'In the order in which they were stored.' }),
    next_cursor: field.text(
      'Where to go on. There is always one, also after the last event. Store it, then ask with it.',
    ),
    has_more: field.flag(
      'Whether there may be more events at once. A page with a filter may be empty although more follow.',
    ),
  })
  .meta({ id: 'FeedPage', description: 'Events since the cursor.' })
export type FeedPage = z.output<typeof FeedPage>
