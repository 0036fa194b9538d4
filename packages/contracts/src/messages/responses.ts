import { z } from 'zod'
import { nextCursor, reason, time } from '../lib/schema-parts.ts'
import { problemCodes } from '../problems/problems.ts'
import { type EventType, eventTypes, isEventType } from './event-types.ts'
import { messageStatusPrecedence, recipientStatuses } from './recipient-status.ts'

const messageIdExample = 'msg_01m7wa5yjwe1qr5m7w1gzh99cc'

const MessageId = z.string().meta({ description: 'Id of the message.', examples: [messageIdExample] })

const RecipientStatus = z.enum(recipientStatuses).meta({
  id: 'RecipientStatus',
  description:
    'Where a recipient is. On the way: `scheduled`, `queued`, `sending`, `sent`, `deferred` (tried again by itself), ' +
    '`held` (waits for something that you can do), `unknown` (maybe sent; not sent again by itself). Ends: ' +
    '`delivered`, `failed`, `bounced`, `complained`, `suppressed`, `cancelled`.',
})

const MessageStatus = RecipientStatus.meta({
  id: 'MessageStatus',
  description: `Derived from the recipients: the first of ${messageStatusPrecedence.join(', ')} that any of them has.`,
})

const RecipientKind = z
  .enum(['to', 'cc', 'bcc'])
  .meta({ description: 'The field of the message that names this recipient.' })

const Address = z.string().meta({ description: 'The address as stored.', examples: ['user@example.net'] })

export const AcceptedRecipient = z
  .object({ address: Address, kind: RecipientKind, status: RecipientStatus })
  .meta({ id: 'AcceptedRecipient', description: 'A recipient, counted once however often it was named.' })

export const MessageAccepted = z
  .object({
    id: MessageId,
    status: MessageStatus,
    created_at: time('When the message was stored, by the clock of the database.'),
    recipients: z.array(AcceptedRecipient).meta({ description: 'In the order to, cc, bcc.' }),
  })
  .meta({ id: 'MessageAccepted', description: 'The message is stored and will be sent; it is not sent yet.' })
export type MessageAccepted = z.output<typeof MessageAccepted>

export const FaultDetail = z
  .object({
    pointer: z.string().meta({
      description: 'Where in the request: a JSON pointer as URI fragment (RFC 6901 §6).',
      examples: ['#/to/0'],
    }),
    detail: z.string().meta({ description: 'What is wrong there.', examples: ['has no @'] }),
    code: z
      .enum(problemCodes)
      .meta({ description: 'The code of this fault, where it differs from that of the answer.' })
      .optional(),
  })
  .meta({ id: 'FaultDetail', description: 'One fault of a request.' })

export const ProblemDetails = z
  .object({
    type: z.string().meta({
      description: 'Address of the page that explains this problem.',
      examples: ['/problems/validation-failed'],
    }),
    title: z.string().meta({ description: 'The problem in a few words, always the same for one code.' }),
    status: z.int().meta({ description: 'The HTTP status.', examples: [422] }),
    detail: z.string().meta({ description: 'What happened this time.' }),
    code: z.enum(problemCodes).meta({ description: 'What to tell problems apart by.' }),
    instance: z.string().meta({ description: 'The path of the request.' }).optional(),
    request_id: z.string().meta({ description: 'Id of the request, for asking us about it.' }).optional(),
    errors: z
      .array(FaultDetail)
      .meta({ description: 'All faults found in the request, at most a hundred.' })
      .optional(),
  })
  .meta({ id: 'ProblemDetails', description: 'An error answer (RFC 9457).' })
export type ProblemDetails = z.output<typeof ProblemDetails>

export const BatchResult = z
  .union([
    z
      .object({ id: MessageId, status: MessageStatus })
      .meta({ id: 'BatchAccepted', description: 'This message is stored.' }),
    z
      .object({ problem: ProblemDetails })
      .meta({ id: 'BatchRefused', description: 'This message was refused; nothing of it was stored.' }),
  ])
  .meta({ id: 'BatchResult', description: 'What became of one message of a batch.' })
export type BatchResult = z.output<typeof BatchResult>

export const BatchAnswer = z
  .object({
    results: z.array(BatchResult).meta({ description: 'One for each message of the request, in its order.' }),
  })
  .meta({ id: 'BatchAnswer', description: 'The answer to a batch.' })
export type BatchAnswer = z.output<typeof BatchAnswer>

export const Recipient = z
  .object({
    kind: RecipientKind,
    address: Address,
    name: z.string().nullable().meta({ description: 'The name given with the address.' }),
    status: RecipientStatus,
    reason,
    updated_at: time('When the status last changed.'),
  })
  .meta({ id: 'Recipient', description: 'One recipient of a message and where it is.' })

export const Message = z
  .object({
    id: MessageId,
    status: MessageStatus,
    created_at: time('When the message was stored.'),
    send_at: z.iso
      .datetime({ offset: true })
      .nullable()
      .meta({ description: 'When it is due, if that was asked for.' }),
    from: z
      .object({
        email: Address,
        name: z.string().nullable().meta({ description: 'The name given with the address.' }),
      })
      .meta({ description: 'The author.' }),
    subject: z.string().meta({ description: 'The subject.' }),
    stream: z.enum(['transactional', 'bulk']).meta({ description: 'The stream it is sent in.' }),
    tags: z.array(z.string()).meta({ description: 'The tags given with it.' }),
    metadata: z.record(z.string(), z.string()).meta({ description: 'The metadata given with it.' }),
    connection: z.string().nullable().meta({
      description: 'The connection asked for; null: by priority. /attempts says which one was used.',
    }),
    attachment_count: z.int().meta({ description: 'How many files go with it.' }),
    recipients: z.array(Recipient).meta({ description: 'In the order to, cc, bcc.' }),
  })
  .meta({ id: 'Message', description: 'A message and where each of its recipients is.' })
export type Message = z.output<typeof Message>

export const MessageList = z
  .object({ data: z.array(Message).meta({ description: 'Newest first.' }), next_cursor: nextCursor })
  .meta({ id: 'MessageList', description: 'A page of messages.' })
export type MessageList = z.output<typeof MessageList>

export const MessageStatusResult = z
  .union([
    z
      .object({
        id: MessageId,
        status: MessageStatus,
        recipients: z
          .array(Recipient.pick({ kind: true, address: true, status: true, reason: true, updated_at: true }))
          .meta({ description: 'In the order to, cc, bcc.' }),
      })
      .meta({ id: 'MessageStatusFound', description: 'Where this message is.' }),
    z
      .object({
        id: z.string().meta({ description: 'The id as it was asked for.' }),
        problem: ProblemDetails,
      })
      .meta({ id: 'MessageStatusMissing', description: 'There is no such message, or it is not yours.' }),
  ])
  .meta({ id: 'MessageStatusResult', description: 'The status of one message, or why there is none.' })
export type MessageStatusResult = z.output<typeof MessageStatusResult>

export const MessageStatusAnswer = z
  .object({
    results: z
      .array(MessageStatusResult)
      .meta({ description: 'One for each id of the request, in its order.' }),
  })
  .meta({ id: 'MessageStatusAnswer', description: 'Many statuses at once.' })
export type MessageStatusAnswer = z.output<typeof MessageStatusAnswer>

const eventTypeNames = Object.keys(eventTypes).filter(isEventType)
const eventTypeLines = eventTypeNames.map((type: EventType) => `- \`${type}\`: ${eventTypes[type]}`)

export const Event = z
  .object({
    seq: z.int().meta({ description: 'Rises with every event; the order in which they were recorded.' }),
    type: z.enum(eventTypeNames).meta({ description: `What happened.\n\n${eventTypeLines.join('\n')}` }),
    at: time('When it was recorded.'),
    message_id: MessageId,
    recipient: Address.nullable().meta({ description: 'To which recipient; null: the message as a whole.' }),
    attempt: z.int().nullable().meta({ description: 'Number of the attempt that it comes from, if any.' }),
    reason,
  })
  .meta({ id: 'Event', description: 'Something that happened to a message or to one recipient.' })
export type Event = z.output<typeof Event>

export const EventList = z
  .object({ data: z.array(Event).meta({ description: 'By seq, oldest first.' }), next_cursor: nextCursor })
  .meta({ id: 'EventList', description: 'Events of a message.' })
export type EventList = z.output<typeof EventList>

const AttemptChoice = z
  .object({
    rule: z.enum(['named', 'route', 'priority', 'fallback']).meta({
      description:
        'What decided which connections may carry it: the message names one, a route fits it, all by priority, or there is none ' +
        'and the gateway keeps it.',
    }),
    route: z.string().nullable().meta({ description: 'The route that fits it, if one does.' }),
    skipped: z
      .array(
        z
          .object({
            connection: z.string().meta({ description: 'A connection that comes before in the order.' }),
            why: z.string().meta({ description: 'Why it was passed over.', examples: ['circuit open'] }),
          })
          .meta({ id: 'SkippedConnection', description: 'A connection that was passed over.' }),
      )
      .meta({ description: 'Connections that were passed over.' }),
    alone: z.boolean().meta({
      description:
        'Its recipient went alone: the provider had refused a call with several because of one, without saying which.',
    }),
  })
  .meta({ id: 'AttemptChoice', description: 'Why this connection was used.' })
export type AttemptChoice = z.output<typeof AttemptChoice>

export const Attempt = z
  .object({
    number: z.int().meta({ description: 'Counts from 1.' }),
    connection: z.string().nullable().meta({ description: 'The connection used; null: none of yours.' }),
    provider: z.string().meta({ description: 'Kind of provider.', examples: ['smtp'] }),
    started_at: time('When the hand-off began.'),
    finished_at: time('When its outcome was recorded.'),
    outcome: z.enum(['accepted', 'rejected', 'deferred', 'unknown']).meta({
      description:
        '`accepted`: the provider took it. `rejected`: it refused, for good. `deferred`: surely not taken, tried ' +
        'again. `unknown`: no answer came after the message went out.',
    }),
    scope: z.enum(['message', 'account']).nullable().meta({
      description: 'What was rejected: this message, or everything through this connection. Null otherwise.',
    }),
    code: z
      .string()
      .nullable()
      .meta({
        description: 'What kind of failure it was; null when it was accepted.',
        examples: ['provider-rate-limited'],
      }),
    help: z
      .string()
      .nullable()
      .meta({
        description: 'Address of the page that says what to do about it.',
        examples: ['/problems/provider-rate-limited'],
      }),
    reason,
    choice: AttemptChoice.nullable().meta({
      description: 'Why this connection was used; null where it was not noted.',
    }),
    provider_message_id: z.string().nullable().meta({ description: 'The id that the provider gave it.' }),
    recipients: z.array(Address).meta({ description: 'The recipients that this attempt carried.' }),
  })
  .meta({ id: 'Attempt', description: 'One try at handing a message to a provider.' })
export type Attempt = z.output<typeof Attempt>

export const AttemptList = z
  .object({ data: z.array(Attempt).meta({ description: 'In order.' }) })
  .meta({ id: 'AttemptList', description: 'Every try at handing a message over.' })
export type AttemptList = z.output<typeof AttemptList>
