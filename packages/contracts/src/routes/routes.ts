import { z } from 'zod'
import { lineIssue } from '../lib/text-rules.ts'
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
          'Only messages whose every recipient (to, cc and bcc) is in exactly this domain. The recipients of the message ' +
          'as it was accepted count, so that all tries of one message take the same route.',
        examples: ['example.net'],
      })
      .optional(),
  })
  .meta({ id: 'RouteMatch', description: 'All that is named must fit; an empty object fits every message.' })
export type RouteMatch = z.output<typeof RouteMatch>

const strategy = z.enum(['ordered', 'weighted']).meta({
  description:
    '`ordered`: the first connection carries, the next ones stand in for it. `weighted`: messages are shared out in proportion ' +
    'to the weights; the tries of one message keep their order.',
})

const position = z
  .int()
  .min(0)
  .max(10_000)
  .meta({ description: 'The enabled route with the lowest position that fits a message decides.' })

const name = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => lineIssue(text) === undefined, 'has a line break or another control character')
  .meta({ description: 'Your name for it, in one line.', examples: ['Receipts'] })

const enabled = z.boolean().meta({ description: 'Whether it is looked at.' })

export const RouteTarget = z
  .strictObject({
    connection: z
      .string()
      .meta({ description: 'One of your connections.', examples: ['con_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
    weight: z
      .int()
      .min(0)
      .max(1_000)
      .default(1)
      .meta({ description: 'Its share, where the strategy is `weighted`; 0: only when no other can.' }),
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
  .meta({ description: 'Connections in the order in which they are used.' })

export const CreateRouteRequest = z
  .strictObject({
    name,
    position: position.default(100),
    match: RouteMatch.default({}),
    strategy: strategy.default('ordered'),
    targets,
    enabled: enabled.default(true),
  })
  .meta({ id: 'CreateRouteRequest', description: 'Which connections carry which messages.' })
export type CreateRouteRequest = z.output<typeof CreateRouteRequest>

export const UpdateRouteRequest = z
  .strictObject({
    name: name.optional(),
    position: position.optional(),
    match: RouteMatch.optional(),
    strategy: strategy.optional(),
    targets: targets.optional(),
    enabled: enabled.optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change')
  .meta({ id: 'UpdateRouteRequest', description: 'What is named is replaced as a whole, the rest stays.' })
export type UpdateRouteRequest = z.output<typeof UpdateRouteRequest>

const time = (description: string) =>
  z.iso.datetime({ offset: true }).meta({ description, examples: ['2026-11-20T09:30:00.000Z'] })

export const Route = z
  .object({
    id: z.string().meta({ description: 'Id of the route.', examples: ['rte_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
    name: z.string().meta({ description: 'Your name for it.' }),
    position,
    match: RouteMatch,
    strategy,
    targets: z.array(RouteTarget).meta({ description: 'Connections in the order in which they are used.' }),
    enabled,
    created_at: time('When it was made.'),
    updated_at: time('When it was last changed.'),
  })
  .meta({ id: 'Route', description: 'Which connections carry which messages, in what order.' })
export type Route = z.output<typeof Route>

export const RouteList = z
  .object({ data: z.array(Route).meta({ description: 'By position.' }) })
  .meta({ id: 'RouteList', description: 'All your routes.' })
export type RouteList = z.output<typeof RouteList>
