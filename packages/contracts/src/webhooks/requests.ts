import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { eventTypeNames } from '../messages/event-types.ts'
import { tagPattern } from '../messages/send-shape.ts'

export const ENDPOINTS_MAX = 50
const urlCharsMax = 2_048
const headersMax = 10
const eventsMax = 500
const waitMsMax = 60_000

/** Fields that the gateway writes, and those that belong to one connection (RFC 9110 §7.6.1). */
const reservedFields =
  /^(webhook-.*|content-.*|host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|proxy-.*|user-agent)$/
const fieldName = /^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/

export const CallbackUrl = z.string().min(1).max(urlCharsMax)

const headers = z
  .record(
    z.string(),
    z
      .string()
      .max(1_000)
      .regex(/^[\x20-\x7e]*$/, 'has characters beyond printable ASCII'),
  )
  .superRefine((given, context) => {
    const names = Object.keys(given)
    if (names.length > headersMax)
      context.addIssue({ code: 'custom', message: `has more than ${headersMax} fields` })
    for (const name of names) {
      const lower = name.toLowerCase()
      if (!fieldName.test(lower))
        context.addIssue({ code: 'custom', path: [name], message: 'is no name of a header field' })
      else if (reservedFields.test(lower))
        context.addIssue({ code: 'custom', path: [name], message: 'is written by the gateway' })
    }
  })
  .meta({
    description: `Further header fields of each call, such as \`Authorization\`; at most ${headersMax}. They are stored like credentials and not answered.`,
  })

const fields = {
  url: CallbackUrl.meta({
    description: 'The URL that gets the events, by POST. https, and public.',
    examples: ['https://app.acme.example/lettergate'],
  }),
  description: z.string().max(200).meta({ description: 'A text of your own.' }),
  types: z.array(z.enum(eventTypeNames)).min(1).max(eventTypeNames.length).nullable().meta({
    description: 'Only events of these types; null: all.',
  }),
  tags: z.array(z.string().regex(tagPattern)).min(1).max(50).nullable().meta({
    description: 'Only events of messages with one of these tags; null: all.',
  }),
  streams: z
    .array(z.enum(['transactional', 'bulk']))
    .min(1)
    .max(2)
    .nullable()
    .meta({
      description: 'Only events of messages of these streams; null: all.',
    }),
  headers,
  format: z.enum(['standard']).meta({
    description: 'How a call is written and signed. `standard`: Standard Webhooks.',
  }),
  max_events: z.int().min(1).max(eventsMax).meta({
    description:
      'Events in one call. With more than 1, the body of a call is a list of events: see the guide.',
  }),
  max_wait_ms: z.int().min(0).max(waitMsMax).meta({
    description: 'Longest wait for more events before a call, in milliseconds.',
  }),
}

export const CreateEndpointRequest = z
  .strictObject({
    url: fields.url,
    description: fields.description.default(''),
    types: fields.types.default(null),
    tags: fields.tags.default(null),
    streams: fields.streams.default(null),
    headers: fields.headers.default({}),
    format: fields.format.default('standard'),
    max_events: fields.max_events.default(1),
    max_wait_ms: fields.max_wait_ms.default(0),
  })
  .meta({ id: 'CreateEndpointRequest', description: 'A URL of yours that gets events.' })
export type CreateEndpointRequest = z.output<typeof CreateEndpointRequest>

const { format: _, ...changeable } = fields

export const UpdateEndpointRequest = field
  .changeOf({
    ...changeable,
    enabled: field.flag(
      'False: it gets no calls. True: calls go on where they stopped, as far as the events are still kept.',
    ),
  })
  .meta({
    id: 'UpdateEndpointRequest',
    description: 'Changes to an endpoint. Fields left out stay as they are.',
  })
export type UpdateEndpointRequest = z.output<typeof UpdateEndpointRequest>

/** Query of GET /v1/endpoints/{id}/deliveries. */
export const ListDeliveriesQuery = z.strictObject({
  status: z
    .enum(['ok', 'failed', 'pending'])
    .meta({
      description:
        '`ok`: answered with 2xx. `failed`: any other answer, or none. `pending`: failed, and tried again at `next_at`; these come by the order of their events.',
    })
    .optional(),
  since: z.iso
    .datetime({ offset: true })
    .meta({ description: 'Only attempts from this time on.' })
    .optional(),
  cursor: z.string().max(600).meta({ description: '`next_cursor` of the page before.' }).optional(),
  limit: field.queryInt('Attempts on a page.', { max: 100, usual: 20 }),
})
export type ListDeliveriesQuery = z.output<typeof ListDeliveriesQuery>

export const ReplayRequest = z
  .strictObject({
    seq: z
      .int()
      .min(0)
      .meta({
        description:
          'One event, by its `seq`. An acceptance has the `seq` 0 in each message: it needs `message` too.',
      })
      .optional(),
    message: field.text('All events of this message, or with `seq` one of them.').optional(),
    since: z.iso.datetime({ offset: true }).meta({ description: 'All events from this time on.' }).optional(),
    only_failed: z
      .boolean()
      .default(false)
      .meta({ description: 'Only events that this endpoint has never answered with 2xx.' }),
    dry_run: z.boolean().default(false).meta({ description: 'True: the events are counted, and not sent.' }),
  })
  .refine(
    ({ seq, message, since }) =>
      since === undefined
        ? seq !== undefined || message !== undefined
        : seq === undefined && message === undefined,
    { message: 'needs seq, message, both of them, or since alone' },
  )
  .refine(({ seq, message }) => seq !== 0 || message !== undefined, {
    path: ['seq'],
    message: 'is 0 for the acceptance of every message: give message too',
  })
  .meta({ id: 'ReplayRequest', description: 'Events that an endpoint is to get again.' })
export type ReplayRequest = z.output<typeof ReplayRequest>
