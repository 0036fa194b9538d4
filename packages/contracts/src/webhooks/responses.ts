import { z } from 'zod'
import { maybeTime, nextCursor, time } from '../lib/schema-parts.ts'
import { eventTypeNames } from '../messages/event-types.ts'

const EndpointId = z.string().meta({
  description: 'Id of the endpoint.',
  examples: ['end_01m7wa5yjwe1qr5m7w1gzh99cc'],
})
const Secret = z.string().meta({
  description: 'The secret that signs the calls. Shown only here: store it as you store a password.',
  examples: ['whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'],
})

export const Endpoint = z
  .object({
    id: EndpointId,
    url: z.string().meta({ description: 'The URL that gets the events.' }),
    description: z.string().meta({ description: 'Your text.' }),
    types: z.array(z.string()).nullable().meta({ description: 'Types of its events; null: all.' }),
    tags: z.array(z.string()).nullable().meta({ description: 'Tags of the messages; null: all.' }),
    streams: z.array(z.string()).nullable().meta({ description: 'Streams of the messages; null: both.' }),
    header_names: z.array(z.string()).meta({ description: 'Names of the further header fields.' }),
    format: z.string().meta({ description: 'How a call is written and signed.' }),
    max_events: z.int().meta({ description: 'Events in one call.' }),
    max_wait_ms: z.int().meta({ description: 'Longest wait for more events, in milliseconds.' }),
    enabled: z.boolean().meta({ description: 'Whether it gets calls.' }),
    disabled_reason: z
      .string()
      .nullable()
      .meta({ description: 'Why it was disabled, if you did not do it yourself.' }),
    disabled_at: maybeTime('When it was disabled.'),
    failing_since: maybeTime('Since when no call succeeds; null: the last one did.'),
    paused_until: maybeTime('When the next call is made after failures; null: at once.'),
    last_success_at: maybeTime('When the last call succeeded.'),
    created_at: time('When it was made.'),
    updated_at: time('When it was last changed.'),
  })
  .meta({ id: 'Endpoint', description: 'A URL of yours that gets events.' })
export type Endpoint = z.output<typeof Endpoint>

export const EndpointCreated = Endpoint.extend({ secret: Secret }).meta({
  id: 'EndpointCreated',
  description: 'The endpoint, with its secret.',
})
export type EndpointCreated = z.output<typeof EndpointCreated>

export const EndpointList = z
  .object({ data: z.array(Endpoint).meta({ description: 'In the order in which they were made.' }) })
  .meta({ id: 'EndpointList', description: 'All endpoints.' })
export type EndpointList = z.output<typeof EndpointList>

export const SecretRotated = z
  .object({
    secret: Secret,
    previous_valid_until: maybeTime(
      'Until then calls are also signed with the secret before; null: there was none.',
    ),
  })
  .meta({ id: 'SecretRotated', description: 'A new secret.' })
export type SecretRotated = z.output<typeof SecretRotated>

export const DefaultSecret = z
  .object({
    secret: z
      .string()
      .meta({ description: 'The secret that signs calls to the `callback_url` of messages.' }),
  })
  .meta({ id: 'DefaultSecret', description: 'The secret of calls to the `callback_url` of messages.' })
export type DefaultSecret = z.output<typeof DefaultSecret>

const callFields = {
  status: z.int().nullable().meta({ description: 'The HTTP status of the answer; null: there was none.' }),
  ms: z.int().meta({ description: 'Time until the answer, in milliseconds.' }),
  error: z.string().nullable().meta({ description: 'Why there was no answer.' }),
  answer: z.string().nullable().meta({ description: 'The first 1,024 bytes of the answer.' }),
}

export const EndpointTest = z
  .object({ ok: z.boolean().meta({ description: 'Whether the answer was 2xx.' }), ...callFields })
  .meta({ id: 'EndpointTest', description: 'The answer of your URL to a test event.' })
export type EndpointTest = z.output<typeof EndpointTest>

export const Delivery = z
  .object({
    seq: z.int().meta({ description: '`seq` of the event.' }),
    type: z.enum(eventTypeNames).meta({ description: 'Type of the event.' }),
    message_id: z.string().nullable().meta({ description: 'The message concerned.' }),
    at: time('When the call was made.'),
    number: z.int().meta({ description: 'Number of the attempt, from 1.' }),
    ok: z.boolean().meta({ description: 'Whether the answer was 2xx.' }),
    ...callFields,
    next_at: maybeTime('When the next attempt is due; null: there is none.'),
  })
  .meta({ id: 'Delivery', description: 'One attempt to send an event to an endpoint.' })
export type Delivery = z.output<typeof Delivery>

export const DeliveryList = z
  .object({ data: z.array(Delivery).meta({ description: 'Newest first.' }), next_cursor: nextCursor })
  .meta({ id: 'DeliveryList', description: 'Attempts to send events to an endpoint.' })
export type DeliveryList = z.output<typeof DeliveryList>

export const ReplayAnswer = z
  .object({
    count: z.int().meta({ description: 'Events that are sent again, or would be.' }),
    has_more: z.boolean().meta({
      description: 'True: there are more than fit into one request. Repeat it with a later `since`.',
    }),
    until: maybeTime('Time of the last event that is sent again.'),
  })
  .meta({ id: 'ReplayAnswer', description: 'How many events are sent again.' })
export type ReplayAnswer = z.output<typeof ReplayAnswer>
