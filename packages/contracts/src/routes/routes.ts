import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { tagPattern } from '../messages/send-shape.ts'

/** All of a tenant's routes are read for a message: more would only be slower. */
export const ROUTES_MAX = 100
export const TARGETS_MAX = 20

const domain = z
  .string()
  .max(253)
  .toLowerCase()
  .regex(
    /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/,
    'is not a domain in ASCII',
  )

export const RouteMatch = z
  .strictObject({
    stream: z
      .enum(['transactional', 'bulk'])
      .meta({ description: 'Only messages of this stream.' })
      .optional(),
    tag: z.string().regex(tagPattern).meta({ description: 'Only messages that have this tag.' }).optional(),
    from_domain: domain
      .meta({
        description: 'Only messages whose From address is in exactly this domain.',
        examples: ['acme.example'],
      })
      .optional(),
    recipient_domain: domain
      .meta({
        description:
          'Only messages with all recipients (to, cc and bcc) in exactly this domain. The recipients at acceptance count, so ' +
          'that all attempts of one message follow the same route.',
        examples: ['example.net'],
      })
      .optional(),
  })
  .meta({
    id: 'RouteMatch',
    description: 'Conditions; all must hold. An empty object matches every message.',
  })
export type RouteMatch = z.output<typeof RouteMatch>

const strategy = z.enum(['ordered', 'weighted']).meta({
  description:
    '`ordered`: the first usable connection is used. `weighted`: messages are distributed in proportion to the weights; ' +
    'all attempts of one message keep one order.',
})

const position = z.int().min(0).max(10_000).meta({
  description: 'Of the enabled routes that match a message, the one with the lowest position decides.',
})

const name = field
  .oneLine(z.string().min(1).max(200))
  .meta({ description: 'Your name for it, in one line.', examples: ['Receipts'] })

const enabled = field.flag('True: the route is in use.')

export const RouteTarget = z
  .strictObject({
    connection: field.id('con', 'One of your connections, or `pool` for the shared pool.'),
    weight: z.int().min(0).max(1_000).default(1).meta({
      description: 'Its share for the strategy `weighted`; 0: used only if no other target can be used.',
    }),
  })
  .meta({ id: 'RouteTarget', description: 'A connection of a route.' })

const targets = z
  .array(RouteTarget)
  .min(1)
  .max(TARGETS_MAX)
  .refine(
    (list) => new Set(list.map(({ connection }) => connection)).size === list.length,
    'names a connection twice',
  )
  .meta({ description: 'Connections in the order of use.' })

export const CreateRouteRequest = z
  .strictObject({
    name,
    position: position.default(100),
    match: RouteMatch.default({}),
    strategy: strategy.default('ordered'),
    targets,
    enabled: enabled.default(true),
  })
  .meta({ id: 'CreateRouteRequest', description: 'A rule that says which connections send which messages.' })
export type CreateRouteRequest = z.output<typeof CreateRouteRequest>

export const UpdateRouteRequest = field
  .anyChangeOf({ name, position, match: RouteMatch, strategy, targets, enabled })
  .meta({
    id: 'UpdateRouteRequest',
    description: 'Changes to a route. A field that is given replaces the old value; the others stay.',
  })
export type UpdateRouteRequest = z.output<typeof UpdateRouteRequest>

export const Route = z
  .object({
    id: field.id('rte', 'Id of the route.'),
    name: field.text('Your name for it.'),
    position,
    match: RouteMatch,
    strategy,
    targets: z.array(RouteTarget).meta({ description: 'Connections in the order of use.' }),
    enabled,
    created_at: field.time('When it was made.'),
    updated_at: field.time('When it was last changed.'),
  })
  .meta({
    id: 'Route',
    description: 'A rule that says which connections send which messages, and in which order.',
  })
export type Route = z.output<typeof Route>

export const RouteList = field
  .listOf(Route, 'By position.')
  .meta({ id: 'RouteList', description: 'All your routes.' })
export type RouteList = z.output<typeof RouteList>
