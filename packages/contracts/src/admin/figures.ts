import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { PoolTenant } from '../pool/pool.ts'

const count = (description: string) => z.int().meta({ description })

export const TenantUsageQuery = z.strictObject({
  days: field.queryInt('Days, today included.', { max: 400, usual: 31 }),
})
export type TenantUsageQuery = z.output<typeof TenantUsageQuery>

export const TenantUsage = z
  .object({
    data: z
      .array(
        z
          .object({
            day: field.text('UTC day.', '2026-11-20'),
            mode: z.enum(['live', 'test']).meta({ description: 'Messages of live keys or of test keys.' }),
            accepted: count('Recipients that count.'),
            pool: count('Of these, recipients through the shared pool.'),
            bytes: count('Bytes of content stored.'),
          })
          .meta({ id: 'TenantUsageDay', description: 'One day.' }),
      )
      .meta({ description: 'The newest first. Days without mail are left out.' }),
  })
  .meta({ id: 'TenantUsage', description: 'The usage of a tenant.' })
export type TenantUsage = z.output<typeof TenantUsage>

export const TenantHealth = z
  .object({
    connections: z
      .array(
        z
          .object({
            id: field.text('Id of the connection.'),
            provider: field.text('Its provider.'),
            name: field.text('Its name.'),
            enabled: field.flag('Whether it is used.'),
            circuit: z.enum(['closed', 'open', 'half-open']).meta({
              description: '`open`: it failed repeatedly, and single messages test it.',
            }),
            code: field.maybeText('The kind of the last failure.'),
            reason: field.maybeText('The last failure in the words of the provider.'),
            paused_until: field.maybeTime('Until when the provider asked to pause; null: it did not.'),
          })
          .meta({ id: 'TenantConnectionHealth', description: 'A connection.' }),
      )
      .meta({ description: 'Its connections, by priority.' }),
    ready: count('Messages that are due.'),
    sending: count('Messages that a worker has.'),
    waiting: z
      .array(
        z
          .object({
            reason: field.text(
              '`time`: their time is to come. `no-connection`: none can send them, or the tenant is suspended. `held`: somebody holds them. `set-aside`: workers were lost over them. Others are the limits of a connection.',
            ),
            messages: count('Messages; 100000 means as many or more.'),
            oldest_seconds: count('How long the oldest has been waiting.'),
          })
          .meta({ id: 'TenantWaiting', description: 'Messages that wait for one reason.' }),
      )
      .meta({ description: 'Messages that wait, by reason.' }),
    last_day: z
      .object({
        hard_bounce: count('Addresses that have no mailbox.'),
        complaint: count('Recipients that reported a message as spam.'),
        unsubscribe: count('Recipients that unsubscribed.'),
      })
      .meta({ description: 'Addresses that came on its suppression list in the last 24 hours.' }),
    pool: PoolTenant.meta({
      id: 'TenantPoolHealth',
      description:
        'How its mail through the shared pool is received, and what the rule against abuse decided. The limits of the rule are in `GET /v1/admin/pool/settings`.',
    }),
  })
  .meta({ id: 'TenantHealth', description: 'How the mail of a tenant is doing.' })
export type TenantHealth = z.output<typeof TenantHealth>

const parts = {
  ready: count('Messages that are due.'),
  waiting: count('Messages whose time is to come, or that wait for a connection.'),
  held: count('Messages that somebody holds.'),
  sending: count('Messages that a worker has.'),
  oldest_seconds: count('How long the oldest message that is due has been due.'),
}

export const Backlog = z
  .object({
    data: z
      .array(
        z
          .object({
            tenant: field.text('Id of the tenant.'),
            name: field.text('Its name.'),
            ...parts,
          })
          .meta({ id: 'TenantBacklog', description: 'The backlog of one tenant.' }),
      )
      .meta({ description: 'At most 100 tenants, the largest backlog first.' }),
    is_complete: field.flag('False: there are more than 300,000 messages, and the figures are of these.'),
  })
  .meta({ id: 'Backlog', description: 'Messages that are left to send, by tenant.' })
export type Backlog = z.output<typeof Backlog>

export const Overview = z
  .object({
    tenants: z
      .object({
        active: count('Tenants that may send.'),
        suspended: count('Tenants that are suspended.'),
        by_plan: z.record(z.string(), z.int()).meta({ description: 'Tenants by plan.' }),
      })
      .meta({ description: 'Tenants.' }),
    today: z
      .object({ live: count('By live keys.'), test: count('By test keys.') })
      .meta({ description: 'Recipients that count on the present UTC day.' }),
    backlog: z.object(parts).meta({ description: 'Messages that are left to send; of the first 300,000.' }),
    connections: z
      .object({
        open: count('With an open circuit breaker.'),
        paused: count('That a provider asked to pause.'),
      })
      .meta({ description: 'Connections of all tenants that do not work.' }),
    pool: z
      .object({
        warned: count('With a warning: too much bounces or is reported as spam.'),
        paused: count('Of which nothing goes through the pool until the operator decides.'),
      })
      .meta({ description: 'Tenants that the rule of the shared pool stopped or warned.' }),
    jobs: count('Jobs over messages that are not finished.'),
  })
  .meta({ id: 'Overview', description: 'The whole gateway at a look.' })
export type Overview = z.output<typeof Overview>
