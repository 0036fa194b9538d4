import { z } from 'zod'
import * as field from '../lib/fields.ts'

const connectionName = field
  .oneLine(z.string().min(1).max(200))
  .meta({ description: 'Your name for it, in one line.', examples: ['Our relay'] })

const priority = z
  .int()
  .min(0)
  .max(10_000)
  .meta({ description: 'The connection with the lowest number is used first.' })

const settings = z.record(z.string(), z.unknown()).meta({
  description: 'Settings of this provider, such as host and port.',
  examples: [{ host: 'smtp.acme.example', port: 587 }],
})

const credentials = z.record(z.string(), z.unknown()).meta({
  description: 'Secrets of this provider. They are encrypted when stored and never shown again.',
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
          'Recipients per second, as providers count; 0.5 is one every two seconds. A message to three recipients counts three.',
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
          'Concurrent calls to the provider, for all workers together. Not counted: tests of the connection, and calls of a worker that lost the database.',
        examples: [10],
      })
      .optional(),
  })
  .meta({
    id: 'ConnectionLimits',
    description:
      'Your limits for a connection. A message beyond the daily limit, or beyond the rate of the next hour, goes through another connection, or waits if there is none. Left out: no limit.',
  })
export type ConnectionLimits = z.output<typeof ConnectionLimits>

export const CreateConnectionRequest = z
  .strictObject({
    provider: z
      .string()
      .max(50)
      .meta({ description: 'The provider: one of the list in this reference.', examples: ['smtp'] }),
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
        'All settings of this provider; those left out are removed. Settings that lead to another server, or that weaken the ' +
        'encryption, need `credentials` in the same request.',
    }),
    credentials: credentials.optional().meta({
      description:
        'All credentials of this provider. They replace the stored ones. Stored credentials are never sent to a server that ' +
        'they were not given for.',
    }),
    limits: ConnectionLimits.nullable().optional().meta({ description: 'All limits; null removes them.' }),
    enabled: z.boolean().optional().meta({ description: 'True: messages go through it.' }),
  })
  .meta({
    id: 'UpdateConnectionRequest',
    description: 'Changes to a connection. Fields left out stay as they are.',
  })
export type UpdateConnectionRequest = z.output<typeof UpdateConnectionRequest>

/** Query of DELETE /v1/connections/{id}. */
export const DeleteConnectionQuery = z.strictObject({
  queued: z
    .enum(['move', 'hold', 'fail'])
    .default('move')
    .meta({
      description:
        'The fate of waiting messages that name this connection. `move`: they are sent through your other connections. ' +
        '`hold`: they are held, and fail at your retry limit (72 hours, unless the operator set another). ' +
        '`fail`: they fail now, and do not count on your quota.',
    }),
})
export type DeleteConnectionQuery = z.output<typeof DeleteConnectionQuery>

export const TestConnectionRequest = z
  .strictObject({
    send_to: field.address('Also sends a short message to this address through this connection.').optional(),
    from: field
      .address('Author of that message: an address that the account is allowed to send from.')
      .optional(),
  })
  .refine(({ send_to, from }) => send_to === undefined || from !== undefined, {
    path: ['from'],
    message: 'is required with send_to',
  })
  .meta({
    id: 'TestConnectionRequest',
    description: 'The test to run. {} asks the provider about the account and sends nothing.',
  })
export type TestConnectionRequest = z.output<typeof TestConnectionRequest>
