import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { recipientStatuses } from './recipient-status.ts'
import { tagPattern } from './send-shape.ts'

export const MessageStatusRequest = z
  .strictObject({
    ids: z
      .array(z.string())
      .min(1)
      .max(1_000)
      .meta({ description: 'Ids of messages.', examples: [['msg_01m7wa5yjwe1qr5m7w1gzh99cc']] }),
  })
  .meta({ id: 'MessageStatusRequest', description: 'The messages whose status is wanted.' })
export type MessageStatusRequest = z.output<typeof MessageStatusRequest>

const pageLimit = field.queryInt('Length of a page.', { max: 100, usual: 20 })

/** Query of GET /v1/messages. */
export const ListMessagesQuery = z.strictObject({
  status: z
    .enum(recipientStatuses)
    .meta({ description: 'Only messages with a recipient of this status.' })
    .optional(),
  to: field
    .address('Only messages to this address; with `status`: whose recipient of this address has this status.')
    .optional(),
  tag: z.string().regex(tagPattern).meta({ description: 'Only messages with this tag.' }).optional(),
  since: field.timeBound('Only messages stored at this time or later.'),
  until: field.timeBound('Only messages stored before this time.'),
  cursor: field.cursor,
  limit: pageLimit,
})
export type ListMessagesQuery = z.output<typeof ListMessagesQuery>

/** Query of GET /v1/messages/{id}. */
export const ReadMessageQuery = z.strictObject({
  wait: z.coerce.number().min(0).max(60).default(0).meta({
    description: 'Seconds to wait for a change of the status before the answer.',
  }),
})
export type ReadMessageQuery = z.output<typeof ReadMessageQuery>

/** Query of lists that have pages and nothing else. */
export const PageQuery = z.strictObject({
  cursor: field.cursor,
  limit: pageLimit,
})
export type PageQuery = z.output<typeof PageQuery>

export const ResolveRequest = z
  .strictObject({
    recipient: field.address('A recipient of the message whose status is `unknown`.'),
    outcome: z.enum(['sent', 'delivered', 'not_sent']).meta({
      description:
        '`sent`: the provider has the message. `delivered`: the recipient has it. `not_sent`: the provider does not have it; the ' +
        'recipient is then `failed`, no longer counted in your quota, and can be retried.',
    }),
  })
  .meta({ id: 'ResolveRequest', description: 'The outcome of a recipient that is `unknown`.' })
export type ResolveRequest = z.output<typeof ResolveRequest>
export type ResolvedOutcome = ResolveRequest['outcome']
