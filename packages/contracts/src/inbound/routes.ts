import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { CallbackUrl } from '../webhooks/requests.ts'

/** All of a domain's routes are looked at for a mail: more would only be slower. */
export const INBOUND_ROUTES_MAX = 200
const ACTIONS_MAX = 5
const FORWARD_MAX = 10
const PATTERN_CHARS_MAX = 500

const name = field
  .oneLine(z.string().min(1).max(200))
  .meta({ description: 'Your name for it, in one line.', examples: ['Support'] })

const position = z.int().min(0).max(10_000).meta({
  description: 'Of the enabled routes that match an address, the one with the lowest position decides.',
})

const domain = z
  .string()
  .max(253)
  .toLowerCase()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/,
    'is not a domain in ASCII',
  )
  .nullable()
  .meta({
    description:
      'A domain that you have proved to be yours, whose MX is this gateway. null: your own address under the domain of this gateway, see `GET /v1/inbound/address`.',
    examples: ['acme.example'],
  })

export const InboundMatch = z
  .strictObject({
    kind: z.enum(['address', 'tag', 'wildcard', 'regex', 'all']).meta({
      description:
        '`address`: exactly this part before the @. `tag`: this text behind the first +. `wildcard`: a pattern in which * is any text. `regex`: a regular expression (RE2) for the whole part before the @. `all`: every address of the domain. Upper and lower case are the same.',
    }),
    value: z
      .string()
      .max(PATTERN_CHARS_MAX)
      .default('')
      .meta({ description: 'The text, pattern or expression; empty for `all`.', examples: ['support'] }),
  })
  .refine(({ kind, value }) => (kind === 'all') === (value === ''), {
    path: ['value'],
    message: 'is empty for the kind all, and only for it',
  })
  .meta({ id: 'InboundMatch', description: 'Which addresses a route is for: the part before the @.' })
export type InboundMatch = z.output<typeof InboundMatch>

const PostAction = z
  .strictObject({
    type: z.literal('post').meta({ description: 'Kind of action.' }),
    url: CallbackUrl.meta({
      description: 'The URL that gets the mail, by POST. https, and public.',
      examples: ['https://app.acme.example/mail'],
    }),
    format: z.enum(['standard', 'mailgun']).default('standard').meta({
      description:
        '`standard`: JSON, signed by Standard Webhooks. `mailgun`: the form fields of Mailgun routes.',
    }),
  })
  .meta({ id: 'InboundPost', description: 'Sends the mail to a URL of yours.' })

const StoreAction = z
  .strictObject({
    type: z.literal('store').meta({ description: 'Kind of action.' }),
    mailbox: field.id('mbx', 'A mailbox of yours.'),
  })
  .meta({ id: 'InboundStore', description: 'Keeps the mail in a mailbox, to be read by the API.' })

const ForwardAction = z
  .strictObject({
    type: z.literal('forward').meta({ description: 'Kind of action.' }),
    to: z
      .array(z.email().max(320))
      .min(1)
      .max(FORWARD_MAX)
      .meta({ description: 'Where the mail goes.', examples: [['team@example.net']] }),
  })
  .meta({ id: 'InboundForward', description: 'Sends the mail on, unchanged, through your own connections.' })

const DropAction = z
  .strictObject({ type: z.literal('drop').meta({ description: 'Kind of action.' }) })
  .meta({ id: 'InboundDrop', description: 'Does nothing. The mail is in the log all the same.' })

export const InboundAction = z.discriminatedUnion('type', [
  PostAction,
  StoreAction,
  ForwardAction,
  DropAction,
])
export type InboundAction = z.output<typeof InboundAction>

const actions = z
  .array(InboundAction)
  .min(1)
  .max(ACTIONS_MAX)
  .refine(
    (list) => list.filter(({ type }) => type === 'store').length <= 1,
    'stores in more than one mailbox',
  )
  .meta({ description: 'The actions; all of them are done.' })

const enabled = field.flag('True: the route is in use.')

export const CreateInboundRouteRequest = z
  .strictObject({
    name,
    position: position.default(100),
    domain: domain.default(null),
    match: InboundMatch,
    actions,
    enabled: enabled.default(true),
  })
  .meta({ id: 'CreateInboundRouteRequest', description: 'A rule for mail to an address.' })
export type CreateInboundRouteRequest = z.output<typeof CreateInboundRouteRequest>

export const UpdateInboundRouteRequest = field
  .anyChangeOf({ name, position, domain, match: InboundMatch, actions, enabled })
  .meta({
    id: 'UpdateInboundRouteRequest',
    description: 'Changes to a route. A field that is given replaces the old value; the others stay.',
  })
export type UpdateInboundRouteRequest = z.output<typeof UpdateInboundRouteRequest>

export const InboundRoute = z
  .object({
    id: field.id('inr', 'Id of the route.'),
    name: field.text('Your name for it.'),
    position,
    domain,
    match: InboundMatch,
    actions: z.array(InboundAction).meta({ description: 'The actions.' }),
    enabled,
    created_at: field.time('When it was made.'),
    updated_at: field.time('When it was last changed.'),
  })
  .meta({ id: 'InboundRoute', description: 'A rule for mail to an address.' })
export type InboundRoute = z.output<typeof InboundRoute>

export const InboundRouteList = field
  .listOf(InboundRoute, 'By position.')
  .meta({ id: 'InboundRouteList', description: 'All your inbound routes.' })
export type InboundRouteList = z.output<typeof InboundRouteList>

export const TestAddressRequest = z
  .strictObject({
    address: z
      .string()
      .min(3)
      .max(320)
      .meta({
        description: 'An address that mail may come to.',
        examples: ['support@acme.example'],
      }),
  })
  .meta({ id: 'TestAddressRequest', description: 'An address to be looked up.' })
export type TestAddressRequest = z.output<typeof TestAddressRequest>

export const AddressTest = z
  .object({
    accepted: field.flag('Whether mail to the address is taken for you now.'),
    route: field.maybeId('inr', 'The route that decides; null: none does.'),
    reason: field.maybeText('Why it is not taken.'),
  })
  .meta({ id: 'AddressTest', description: 'The result of the look-up.' })
export type AddressTest = z.output<typeof AddressTest>

export const InboundAddress = z
  .object({
    address: field.text(
      'Replace `anything` by any text: it is what routes without a domain match.',
      'anything+4x7k2m9qpt3w@inbound.example',
    ),
    domain: field.text('Every address in this domain is yours too.', '4x7k2m9qpt3w.inbound.example'),
  })
  .meta({ id: 'InboundAddress', description: 'Your address under the domain of this gateway.' })
export type InboundAddress = z.output<typeof InboundAddress>
