import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { problemCodes } from '../problems/problems.ts'
import { type EventType, eventTypes, isEventType } from './event-types.ts'
import { messageStatusPrecedence, recipientStatuses } from './recipient-status.ts'

const messageIdExample = 'msg_01m7wa5yjwe1qr5m7w1gzh99cc'

const MessageId = z.string().meta({ description: 'Id of the message.', examples: [messageIdExample] })

const RecipientStatus = z.enum(recipientStatuses).meta({
  id: 'RecipientStatus',
  description:
    'The status of a recipient. In progress: `scheduled`, `queued`, `sending`, `sent`, `deferred` (retried automatically), ' +
    '`held` (waits for you), `unknown` (may have been delivered; not sent again automatically). Final: ' +
    '`delivered`, `failed`, `bounced`, `complained`, `suppressed`, `cancelled`.',
})

const MessageStatus = RecipientStatus.meta({
  id: 'MessageStatus',
  description: `Derived from the recipients: the first of ${messageStatusPrecedence.join(', ')} that any of them has.`,
})

const pollAfterSeconds = field.maybeInt(
  'Read the message again after this number of seconds, while its status may still change. Null: the status is final.',
)

const RecipientKind = z
  .enum(['to', 'cc', 'bcc'])
  .meta({ description: 'The field of the message that names this recipient.' })

const Address = field.text('The address as stored.', 'user@example.net')

export const AcceptedRecipient = z
  .object({ address: Address, kind: RecipientKind, status: RecipientStatus })
  .meta({ id: 'AcceptedRecipient', description: 'A recipient. An address that is named twice counts once.' })

export const MessageAccepted = z
  .object({
    id: MessageId,
    status: MessageStatus,
    created_at: field.time('When the message was stored, by the clock of the database.'),
    recipients: z.array(AcceptedRecipient).meta({ description: 'In the order to, cc, bcc.' }),
    warnings: field
      .texts('Probable mistakes, in whole sentences. The message is sent all the same.')
      .optional(),
  })
  .meta({ id: 'MessageAccepted', description: 'The message is stored and will be sent; it is not sent yet.' })
export type MessageAccepted = z.output<typeof MessageAccepted>

export const ErrorDetail = z
  .object({
    pointer: field.text('The place in the request: a JSON pointer as URI fragment (RFC 6901 §6).', '#/to/0'),
    detail: field.text('The error at this place.', 'has no @'),
    code: z
      .enum(problemCodes)
      .meta({ description: 'The code of this error, if it differs from the code of the answer.' })
      .optional(),
  })
  .meta({ id: 'ErrorDetail', description: 'One error in a request.' })

export const ProblemDetails = z
  .object({
    type: field.text('Address of the page that explains this problem.', '/problems/validation-failed'),
    title: field.text('The problem in a few words, always the same for one code.'),
    status: z.int().meta({ description: 'The HTTP status.', examples: [422] }),
    detail: field.text('The error of this request, in a sentence.'),
    code: z.enum(problemCodes).meta({ description: 'The code of the problem, for programs.' }),
    instance: field.text('The path of the request.').optional(),
    request_id: field.text('Id of the request. Name it when you report a problem.').optional(),
    errors: z
      .array(ErrorDetail)
      .meta({ description: 'The errors found in the request: at most 20 of a message and 200 of a batch.' })
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
      .meta({ id: 'BatchRefused', description: 'This message was refused. Nothing of it was stored.' }),
  ])
  .meta({ id: 'BatchResult', description: 'The result for one message of a batch.' })
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
    name: field.maybeText('The name given with the address.'),
    status: RecipientStatus,
    reason: field.reason,
    updated_at: field.time('When the status last changed.'),
  })
  .meta({ id: 'Recipient', description: 'One recipient of a message and its status.' })

export const Message = z
  .object({
    id: MessageId,
    status: MessageStatus,
    created_at: field.time('When the message was stored.'),
    send_at: z.iso
      .datetime({ offset: true })
      .nullable()
      .meta({ description: 'When it is due, if `send_at` was given.' }),
    from: z
      .object({
        email: Address,
        name: field.maybeText('The name given with the address.'),
      })
      .meta({ description: 'The author.' }),
    subject: field.text('The subject.'),
    stream: z.enum(['transactional', 'bulk']).meta({ description: 'The stream it is sent in.' }),
    tags: field.texts('The tags given with it.'),
    metadata: z.record(z.string(), z.string()).meta({ description: 'The metadata given with it.' }),
    connection: field.maybeText(
      'The connection that the request names; null: routes or priority decide. /attempts shows which one was used.',
    ),
    attachment_count: field.int('Number of attachments.'),
    callback_url: field.maybeText('The URL that gets the events of this message.'),
    recipients: z.array(Recipient).meta({ description: 'In the order to, cc, bcc.' }),
    poll_after_seconds: pollAfterSeconds,
  })
  .meta({ id: 'Message', description: 'A message and the status of each recipient.' })
export type Message = z.output<typeof Message>

export const MessageList = field
  .pageOf(Message, 'Newest first.')
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
        poll_after_seconds: pollAfterSeconds,
      })
      .meta({ id: 'MessageStatusFound', description: 'The status of this message.' }),
    z
      .object({
        id: field.text('The id as the request gave it.'),
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

export const EventDetail = z
  .object({
    code: field.text('The word of the provider for the event or its cause.').optional(),
    enhanced_status: field.text('RFC 3463.', '5.1.1').optional(),
    bounce: z
      .enum(['hard', 'soft', 'block'])
      .meta({
        description:
          '`hard`: there is no such mailbox. `soft`: the mailbox could not take it. `block`: refused for the content or the sender.',
      })
      .optional(),
    by_machine: field
      .flag('Whether a proxy or a scanner opened or clicked, as far as the provider can tell.')
      .optional(),
    user_agent: field.text('The program that opened or clicked.').optional(),
    url: field.text('The link that was followed.').optional(),
    endpoint: field.text('The endpoint concerned.').optional(),
    counter: z
      .enum(['day', 'month', 'pool'])
      .meta({
        description: 'The limit concerned: recipients of a day, of a month, or through the shared pool.',
      })
      .optional(),
    mode: z.enum(['live', 'test']).meta({ description: 'The mode whose limit it is.' }).optional(),
    used: field.int('Recipients counted.').optional(),
    limit: field.int('Recipients allowed.').optional(),
    resets_at: field.text('When the limit begins anew.', '2026-11-21T00:00:00.000Z').optional(),
    inbound: field.text('The received mail: see `GET /v1/inbound/messages/{id}`.').optional(),
  })
  .meta({ id: 'EventDetail', description: 'Further details of an event.' })
export type EventDetail = z.output<typeof EventDetail>

export const Event = z
  .object({
    seq: field.int('Rises with every event; the order in which they were recorded.'),
    type: z.enum(eventTypeNames).meta({ description: `The kind of event.\n\n${eventTypeLines.join('\n')}` }),
    at: field.time('When it happened; for an event of a provider, as the provider says.'),
    message_id: MessageId,
    recipient: Address.nullable().meta({ description: 'The recipient concerned; null: the whole message.' }),
    attempt: field.maybeInt('Number of the attempt that caused it, if any.'),
    reason: field.reason,
    detail: EventDetail.nullable().meta({ description: 'Further details; null: none.' }),
  })
  .meta({ id: 'Event', description: 'Something that happened to a message or to one recipient.' })
export type Event = z.output<typeof Event>

export const EventList = field
  .pageOf(Event, 'By seq, oldest first.')
  .meta({ id: 'EventList', description: 'Events of a message.' })
export type EventList = z.output<typeof EventList>

const AttemptChoice = z
  .object({
    rule: z.enum(['named', 'route', 'priority', 'fallback']).meta({
      description:
        'How the connection was chosen. `named`: the message names it. `route`: a route matches the message. `priority`: by the ' +
        'priority of your connections. `fallback`: no connection is configured, or a test key was used: the message is captured.',
    }),
    route: field.maybeText('The route that matches the message, if any.'),
    skipped: z
      .array(
        z
          .object({
            connection: field.text('A connection that comes earlier in the order.'),
            why: field.text('Why it was skipped.', 'its circuit breaker is open'),
          })
          .meta({ id: 'SkippedConnection', description: 'A connection that was skipped.' }),
      )
      .meta({ description: 'Connections that were skipped.' }),
    single_recipient: field.flag(
      'True: the attempt was for one recipient only, because the provider had rejected an attempt for several and ' +
        'named no recipient.',
    ),
  })
  .meta({ id: 'AttemptChoice', description: 'Why this connection was used.' })
export type AttemptChoice = z.output<typeof AttemptChoice>

export const Attempt = z
  .object({
    number: field.int('Counts from 1.'),
    connection: field.maybeText(
      'The connection used, or `pool` for the shared pool; null: the message was captured.',
    ),
    provider: field.text('Kind of provider.', 'smtp'),
    started_at: field.time('When the attempt began.'),
    finished_at: field.time('When its outcome was recorded.'),
    outcome: z.enum(['accepted', 'rejected', 'deferred', 'unknown']).meta({
      description:
        '`accepted`: the provider accepted the message. `rejected`: it refused permanently. `deferred`: not accepted, and ' +
        'retried. `unknown`: no answer came after the message was sent.',
    }),
    scope: z.enum(['message', 'account']).nullable().meta({
      description:
        '`message`: this message was rejected. `account`: the provider rejects all mail of this account. Null: not rejected.',
    }),
    code: field.maybeText('The kind of failure; null: accepted.', 'provider-rate-limited'),
    help: field.maybeText('Address of the page that explains what to do.', '/problems/provider-rate-limited'),
    reason: field.reason,
    choice: AttemptChoice.nullable().meta({
      description: 'Why this connection was used; null: not recorded.',
    }),
    provider_message_id: field.maybeText('The id that the provider returned.'),
    recipients: z.array(Address).meta({ description: 'The recipients of this attempt.' }),
  })
  .meta({ id: 'Attempt', description: 'One attempt to send a message through a provider.' })
export type Attempt = z.output<typeof Attempt>

export const AttemptList = field
  .listOf(Attempt, 'In order.')
  .meta({ id: 'AttemptList', description: 'All attempts to send a message.' })
export type AttemptList = z.output<typeof AttemptList>
