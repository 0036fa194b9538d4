import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { failureCodes } from '../problems/failure-codes.ts'
import { ConnectionLimits } from './requests.ts'

const ConnectionId = field.id('con', 'Id of the connection.')

const FailureCode = z.enum(failureCodes).meta({
  id: 'FailureCode',
  description: 'The kind of failure; /problems/{code} explains it.',
})

export const ConnectionHealth = z
  .object({
    state: z.enum(['closed', 'open', 'half-open']).meta({
      description:
        'State of the circuit breaker. `closed`: in use. `open`: not used, because it failed repeatedly. `half-open`: single ' +
        'messages test whether it works again.',
    }),
    since: field.maybeTime('When this state began; null: the connection was not used yet.'),
    code: FailureCode.nullable().meta({ description: 'The failure that caused it.' }),
    reason: field.reason,
    paused_until: field.maybeTime('End of the pause that the provider asked for; null: no pause.'),
    concurrency: z
      .number()
      .nullable()
      .meta({ description: 'Concurrent calls allowed at present; null: no limit found so far.' }),
  })
  .meta({ id: 'ConnectionHealth', description: 'The health of a connection, for all workers together.' })
export type ConnectionHealth = z.output<typeof ConnectionHealth>

export const Connection = z
  .object({
    id: ConnectionId,
    provider: field.text('The provider.', 'smtp'),
    name: field.text('Your name for it.'),
    priority: field.int('The connection with the lowest number is used first.'),
    settings: z
      .record(z.string(), z.unknown())
      .meta({ description: 'Settings of this provider, without secrets.' }),
    limits: ConnectionLimits.meta({ description: 'Your limits for it; {} means no limits.' }),
    enabled: field.flag('True: messages go through it.'),
    health: ConnectionHealth.meta({ description: 'The health of the connection, for all workers together.' }),
    created_at: field.time('When it was made.'),
    updated_at: field.time('When it was last changed.'),
    credentials_rotated_at: field.maybeTime('When its credentials were last replaced; null: never.'),
  })
  .meta({
    id: 'Connection',
    description: 'Your account at a provider. Its credentials are never shown again.',
  })
export type Connection = z.output<typeof Connection>

export const ConnectionList = field
  .listOf(Connection, 'By priority.')
  .meta({ id: 'ConnectionList', description: 'All your connections.' })
export type ConnectionList = z.output<typeof ConnectionList>

export const ConnectionDeleted = z
  .object({
    id: ConnectionId,
    queued: z
      .enum(['move', 'hold', 'fail'])
      .meta({ description: 'The fate of waiting messages that named it.' }),
    messages: field.int('Number of these messages.'),
    disabled_routes: z.array(z.string()).meta({
      description:
        'Routes that had this connection as their only target. They are disabled: matching messages follow the next route, or ' +
        'priority. Give them new targets to enable them.',
      examples: [['rte_01m7wa5yjwe1qr5m7w1gzh99cc']],
    }),
  })
  .meta({ id: 'ConnectionDeleted', description: 'The connection and its credentials are deleted.' })
export type ConnectionDeleted = z.output<typeof ConnectionDeleted>

export const ConnectionTest = z
  .object({
    ok: field.flag('True: the login works and the account is allowed to send.'),
    problem: z
      .object({
        code: FailureCode.meta({ description: 'The kind of failure.' }),
        reason: field.text('The answer of the provider.'),
        advice: field.texts('Steps to fix it, in whole sentences.'),
        help: field.text(
          'Address of the page that explains this failure.',
          '/problems/provider-credentials-refused',
        ),
      })
      .nullable()
      .meta({ description: 'Why the test failed; null: it did not.' }),
    sandbox: z.boolean().nullable().meta({
      description:
        'True: the account can send to verified addresses only. Null: the provider does not report it.',
    }),
    limits: z
      .object({
        per_second: z.number().nullable().meta({ description: 'Recipients a second.' }),
        per_day: z.number().nullable().meta({ description: 'Recipients a day.' }),
        used_today: z.number().nullable().meta({ description: 'Recipients used today.' }),
      })
      .nullable()
      .meta({ description: 'Limits of the account; null: the provider does not report them.' }),
    identities: z.array(z.string()).nullable().meta({
      description: 'Addresses and domains allowed in From; null: the provider does not report them.',
    }),
    notes: field.texts('Further remarks about the account.'),
    took_ms: field.int('Time until the answer of the provider.'),
    message_id: field.maybeText(
      'Id of the message to `send_to`; read its status to see the result. Null: none was sent.',
    ),
  })
  .meta({
    id: 'ConnectionTest',
    description: 'The state of the account behind a connection, as its provider reports it.',
  })
export type ConnectionTest = z.output<typeof ConnectionTest>

export const ConnectionEvent = z
  .object({
    seq: field.int('Rises with every event; the order in which they were recorded.'),
    type: z.enum(['connection.unhealthy', 'connection.healthy']).meta({
      description:
        '`connection.unhealthy`: it failed repeatedly and is not used for some time. `connection.healthy`: it works again.',
    }),
    at: field.time('When it was recorded.'),
    connection_id: ConnectionId,
    code: FailureCode.nullable().meta({
      description: 'The failure that caused it; null: the connection works again.',
    }),
    reason: field.reason,
  })
  .meta({ id: 'ConnectionEvent', description: 'A change in the health of a connection.' })
export type ConnectionEvent = z.output<typeof ConnectionEvent>

export const ConnectionEventList = field
  .pageOf(ConnectionEvent, 'By seq, oldest first.')
  .meta({ id: 'ConnectionEventList', description: 'Events of a connection.' })
export type ConnectionEventList = z.output<typeof ConnectionEventList>
