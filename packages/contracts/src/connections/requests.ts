import { z } from 'zod'
import { addressText } from '../lib/schema-parts.ts'
import { lineIssue } from '../lib/text-rules.ts'

const connectionName = z
  .string()
  .min(1)
  .max(200)
  .refine((name) => lineIssue(name) === undefined, 'has a line break or another control character')
  .meta({ description: 'Your name for it, in one line.', examples: ['Our relay'] })

const priority = z.int().min(0).max(10_000).meta({ description: 'The lowest is used first.' })

const settings = z.record(z.string(), z.unknown()).meta({
  description: 'Settings of this provider, such as host and port.',
  examples: [{ host: 'smtp.acme.example', port: 587 }],
})

const credentials = z.record(z.string(), z.unknown()).meta({
  description: 'Secrets of this provider: sealed when stored, and never shown again.',
  examples: [{ username: 'relay', password: '…' }],
})

export const ConnectionLimits = z
  .strictObject({
    per_second: z
      .number()
      .min(0.001)
      .max(10_000)
      .meta({
        description:
          'Recipients a second, for that is what providers count; 0.5 is one every two seconds. A message to three takes three.',
        examples: [14],
      })
      .optional(),
    per_day: z
      .int()
      .min(1)
      .max(100_000_000)
      .meta({ description: 'Recipients per UTC day.', examples: [50_000] })
      .optional(),
    concurrency: z
      .int()
      .min(1)
      .max(1_000)
      .meta({
        description:
          'Hand-offs at the same time, of all workers together, however many there are. A test of the connection comes on top, and what a worker had under way that was cut off from the database.',
        examples: [10],
      })
      .optional(),
  })
  .meta({
    id: 'ConnectionLimits',
    description:
      'The most that goes through a connection; messages beyond what a day or the next hour allows take another connection, or wait where there is none. Left out: no limit of yours.',
  })
export type ConnectionLimits = z.output<typeof ConnectionLimits>

export const CreateConnectionRequest = z
  .strictObject({
    provider: z
      .string()
      .max(50)
      .meta({ description: 'Kind of provider: one of the reference’s list.', examples: ['smtp'] }),
    name: connectionName,
    priority: priority.default(100),
    settings: settings.default({}),
    limits: ConnectionLimits.optional(),
    credentials: credentials.default({}),
  })
  .meta({ id: 'CreateConnectionRequest', description: 'An account at a provider to send through.' })
export type CreateConnectionRequest = z.output<typeof CreateConnectionRequest>

export const UpdateConnectionRequest = z
  .strictObject({
    name: connectionName.optional(),
    priority: priority.optional(),
    settings: settings.optional().meta({
      description:
        'All settings of this provider; those left out are gone. Settings that lead to another server, or protect the way there ' +
        'less, need `credentials` beside them.',
    }),
    credentials: credentials.optional().meta({
      description:
        'All credentials of this provider, in place of the present ones. What is stored is never taken to a server that it was ' +
        'not given for.',
    }),
    limits: ConnectionLimits.nullable().optional().meta({ description: 'All limits; null removes them.' }),
    enabled: z.boolean().optional().meta({ description: 'Whether messages go through it.' }),
  })
  .meta({
    id: 'UpdateConnectionRequest',
    description: 'What to change of a connection; fields left out stay as they are.',
  })
export type UpdateConnectionRequest = z.output<typeof UpdateConnectionRequest>

/** Query of DELETE /v1/connections/{id}. */
export const DeleteConnectionQuery = z.strictObject({
  queued: z
    .enum(['move', 'hold', 'fail'])
    .default('move')
    .meta({
      description:
        'What becomes of messages that wait and name this connection. `move`: they go like any other message, by your other ' +
        'connections. `hold`: they are held, and fail at your retry limit (72 hours, unless the operator set another). `fail`: they fail at once, and are given back to your quota.',
    }),
})
export type DeleteConnectionQuery = z.output<typeof DeleteConnectionQuery>

export const TestConnectionRequest = z
  .strictObject({
    send_to: addressText('Also sends a short message to this address, through this connection.').optional(),
    from: addressText('Author of that message: an address that the account may send from.').optional(),
  })
  .refine(({ send_to, from }) => send_to === undefined || from !== undefined, {
    path: ['from'],
    message: 'is required with send_to',
  })
  .meta({
    id: 'TestConnectionRequest',
    description: 'What to test of a connection; {} asks the provider about the account, and sends nothing.',
  })
export type TestConnectionRequest = z.output<typeof TestConnectionRequest>
