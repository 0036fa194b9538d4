import { z } from 'zod'
import { maybeTime, nextCursor, reason, time } from '../lib/schema-parts.ts'
import { failureCodes } from '../problems/failure-codes.ts'
import { ConnectionLimits } from './requests.ts'

const ConnectionId = z
  .string()
  .meta({ description: 'Id of the connection.', examples: ['con_01m7wa5yjwe1qr5m7w1gzh99cc'] })

const FailureCode = z.enum(failureCodes).meta({
  id: 'FailureCode',
  description: 'What kind of failure it was; /problems/{code} explains it.',
})

export const ConnectionHealth = z
  .object({
    state: z.enum(['closed', 'open', 'half-open']).meta({
      description:
        '`closed`: in use. `open`: not used for a while, since it kept failing. `half-open`: single messages try it again.',
    }),
    since: maybeTime(
      'When this state began, or since when it has been in use if it was never another; null: it was not used yet.',
    ),
    code: FailureCode.nullable().meta({ description: 'The failure that it comes from.' }),
    reason,
    paused_until: maybeTime('Until when the provider asked to wait; null: it did not.'),
    concurrency: z
      .number()
      .nullable()
      .meta({ description: 'Hand-offs at a time that it takes at present; null: not limited so far.' }),
  })
  .meta({ id: 'ConnectionHealth', description: 'How hand-offs through a connection go, over all workers.' })
export type ConnectionHealth = z.output<typeof ConnectionHealth>

export const Connection = z
  .object({
    id: ConnectionId,
    provider: z.string().meta({ description: 'Kind of provider.', examples: ['smtp'] }),
    name: z.string().meta({ description: 'Your name for it.' }),
    priority: z.int().meta({ description: 'The lowest is used first.' }),
    settings: z
      .record(z.string(), z.unknown())
      .meta({ description: 'Settings of this provider, without secrets.' }),
    limits: ConnectionLimits.meta({ description: 'Your limits for it; {} is none.' }),
    enabled: z.boolean().meta({ description: 'Whether messages go through it.' }),
    health: ConnectionHealth.meta({ description: 'How hand-offs through it go, over all workers.' }),
    created_at: time('When it was made.'),
    updated_at: time('When it was last changed.'),
    credentials_rotated_at: maybeTime('When its credentials were last replaced; null: never.'),
  })
  .meta({
    id: 'Connection',
    description: 'Your account at a provider. Its credentials are never shown again.',
  })
export type Connection = z.output<typeof Connection>

export const ConnectionList = z
  .object({ data: z.array(Connection).meta({ description: 'By priority.' }) })
  .meta({ id: 'ConnectionList', description: 'All your connections.' })
export type ConnectionList = z.output<typeof ConnectionList>

export const ConnectionDeleted = z
  .object({
    id: ConnectionId,
    queued: z.enum(['move', 'hold', 'fail']).meta({ description: 'What became of messages that named it.' }),
    messages: z.int().meta({ description: 'How many messages this was done to.' }),
    disabled_routes: z.array(z.string()).meta({
      description:
        'Routes that led to this connection alone. They are disabled, so that what fits them goes as if they were not there; give ' +
        'them new targets to enable them.',
      examples: [['rte_01m7wa5yjwe1qr5m7w1gzh99cc']],
    }),
  })
  .meta({ id: 'ConnectionDeleted', description: 'The connection and its credentials are gone.' })
export type ConnectionDeleted = z.output<typeof ConnectionDeleted>

export const ConnectionTest = z
  .object({
    ok: z.boolean().meta({ description: 'True: the login is good and the account may send.' }),
    fault: z
      .object({
        code: FailureCode.meta({ description: 'What kind of failure it is.' }),
        reason: z.string().meta({ description: 'What the provider said.' }),
        advice: z.array(z.string()).meta({ description: 'What to do about it, in whole sentences.' }),
        help: z.string().meta({
          description: 'Address of the page that explains it.',
          examples: ['/problems/provider-credentials-refused'],
        }),
      })
      .nullable()
      .meta({ description: 'Why it is not ok; null if it is.' }),
    sandbox: z.boolean().nullable().meta({
      description: 'True: the account reaches verified addresses only. Null: the provider does not tell.',
    }),
    limits: z
      .object({
        per_second: z.number().nullable().meta({ description: 'Recipients a second.' }),
        per_day: z.number().nullable().meta({ description: 'Recipients a day.' }),
        used_today: z.number().nullable().meta({ description: 'Of these, used already.' }),
      })
      .nullable()
      .meta({ description: 'What the account may send; null where the provider does not tell.' }),
    identities: z
      .array(z.string())
      .nullable()
      .meta({ description: 'Addresses and domains that may stand in From, as far as the provider tells.' }),
    notes: z.array(z.string()).meta({ description: 'What else is worth knowing.' }),
    took_ms: z.int().meta({ description: 'How long the provider took to answer.' }),
    message_id: z.string().nullable().meta({
      description: 'Id of the message to `send_to`; its status tells what became of it. Null: none was sent.',
    }),
  })
  .meta({ id: 'ConnectionTest', description: 'What the provider says of the account behind a connection.' })
export type ConnectionTest = z.output<typeof ConnectionTest>

export const ConnectionEvent = z
  .object({
    seq: z.int().meta({ description: 'Rises with every event; the order in which they were recorded.' }),
    type: z.enum(['connection.unhealthy', 'connection.healthy']).meta({
      description:
        '`connection.unhealthy`: it kept failing and is not used for a while. `connection.healthy`: it works again.',
    }),
    at: time('When it was recorded.'),
    connection_id: ConnectionId,
    code: FailureCode.nullable().meta({
      description: 'The failure that it comes from; null when it is well again.',
    }),
    reason,
  })
  .meta({ id: 'ConnectionEvent', description: 'A change in the health of a connection.' })
export type ConnectionEvent = z.output<typeof ConnectionEvent>

export const ConnectionEventList = z
  .object({
    data: z.array(ConnectionEvent).meta({ description: 'By seq, oldest first.' }),
    next_cursor: nextCursor,
  })
  .meta({ id: 'ConnectionEventList', description: 'Events of a connection.' })
export type ConnectionEventList = z.output<typeof ConnectionEventList>
