import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { eventTypeNames } from '../messages/event-types.ts'

const EndpointId = field.id('end', 'Id of the endpoint.')
const Secret = field.text(
  'The secret that signs the calls. Shown only here: store it as you store a password.',
  'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
)

export const Endpoint = z
  .object({
    id: EndpointId,
    url: field.text('The URL that gets the events.'),
    description: field.text('Your text.'),
    types: z.array(z.string()).nullable().meta({ description: 'Types of its events; null: all.' }),
    tags: z.array(z.string()).nullable().meta({ description: 'Tags of the messages; null: all.' }),
    streams: z.array(z.string()).nullable().meta({ description: 'Streams of the messages; null: both.' }),
    header_names: field.texts('Names of the further header fields.'),
    format: field.text('How a call is written and signed.'),
    max_events: field.int('Events in one call.'),
    max_wait_ms: field.int('Longest wait for more events, in milliseconds.'),
    enabled: field.flag('Whether it gets calls.'),
    disabled_reason: field.maybeText('Why it was disabled, if you did not do it yourself.'),
    disabled_at: field.maybeTime('When it was disabled.'),
    failing_since: field.maybeTime('Since when no call succeeds; null: the last one did.'),
    paused_until: field.maybeTime('When the next call is made after failures; null: at once.'),
    last_success_at: field.maybeTime('When the last call succeeded.'),
    created_at: field.time('When it was made.'),
    updated_at: field.time('When it was last changed.'),
  })
  .meta({ id: 'Endpoint', description: 'A URL of yours that gets events.' })
export type Endpoint = z.output<typeof Endpoint>

export const EndpointCreated = Endpoint.extend({ secret: Secret }).meta({
  id: 'EndpointCreated',
  description: 'The endpoint, with its secret.',
})
export type EndpointCreated = z.output<typeof EndpointCreated>

export const EndpointList = field
  .listOf(Endpoint, 'In the order in which they were made.')
  .meta({ id: 'EndpointList', description: 'All endpoints.' })
export type EndpointList = z.output<typeof EndpointList>

export const SecretRotated = z
  .object({
    secret: Secret,
    previous_valid_until: field.maybeTime(
      'Until then calls are also signed with the secret before; null: there was none.',
    ),
  })
  .meta({ id: 'SecretRotated', description: 'A new secret.' })
export type SecretRotated = z.output<typeof SecretRotated>

export const DefaultSecret = z
  .object({
    secret: field.text('The secret that signs calls to the `callback_url` of messages.'),
  })
  .meta({ id: 'DefaultSecret', description: 'The secret of calls to the `callback_url` of messages.' })
export type DefaultSecret = z.output<typeof DefaultSecret>

/** The result of one call to a URL of a tenant. */
export const callFields = {
  status: field.maybeInt('The HTTP status of the answer; null: there was none.'),
  ms: field.int('Time until the answer, in milliseconds.'),
  error: field.maybeText('Why there was no answer.'),
  answer: field.maybeText('The first 1,024 bytes of the answer.'),
}

export const EndpointTest = z
  .object({ ok: field.flag('Whether the answer was 2xx.'), ...callFields })
  .meta({ id: 'EndpointTest', description: 'The answer of your URL to a test event.' })
export type EndpointTest = z.output<typeof EndpointTest>

export const Delivery = z
  .object({
    seq: field.int('`seq` of the event.'),
    type: z.enum(eventTypeNames).meta({ description: 'Type of the event.' }),
    message_id: field.maybeText('The message concerned.'),
    at: field.time('When the call was made.'),
    number: field.int('Number of the attempt, from 1.'),
    ok: field.flag('Whether the answer was 2xx.'),
    ...callFields,
    next_at: field.maybeTime('When the next attempt is due; null: there is none.'),
  })
  .meta({ id: 'Delivery', description: 'One attempt to send an event to an endpoint.' })
export type Delivery = z.output<typeof Delivery>

export const DeliveryList = field
  .pageOf(Delivery, 'Newest first.')
  .meta({ id: 'DeliveryList', description: 'Attempts to send events to an endpoint.' })
export type DeliveryList = z.output<typeof DeliveryList>

export const ReplayAnswer = z
  .object({
    count: field.int('Events that are sent again, or would be.'),
    has_more: field.flag('True: there are more than fit into one request. Repeat it with a later `since`.'),
    until: field.maybeTime('Time of the last event that is sent again.'),
  })
  .meta({ id: 'ReplayAnswer', description: 'How many events are sent again.' })
export type ReplayAnswer = z.output<typeof ReplayAnswer>
