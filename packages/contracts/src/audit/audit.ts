import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { fromPublicId, type IdPrefix } from '../lib/ids.ts'

/** The name of each logged table in the API, and what its ids begin with; a table that is missing here has its own name, and its ids as they are. */
export const auditTargets: Readonly<Record<string, { name: string; prefix: IdPrefix | null }>> = {
  tenant: { name: 'tenant', prefix: 'ten' },
  plan: { name: 'plan', prefix: null },
  api_key: { name: 'key', prefix: 'key' },
  connection: { name: 'connection', prefix: 'con' },
  route: { name: 'route', prefix: 'rte' },
  endpoint: { name: 'endpoint', prefix: 'end' },
  default_secret: { name: 'default_secret', prefix: null },
  hook: { name: 'event_registration', prefix: 'con' },
  message_job: { name: 'bulk_job', prefix: 'job' },
  domain: { name: 'domain', prefix: 'dom' },
  domain_key: { name: 'domain_key', prefix: null },
  pool_setting: { name: 'pool_setting', prefix: null },
  abuse_state: { name: 'pool_state', prefix: 'ten' },
  smtp_credential: { name: 'smtp_credential', prefix: 'smc' },
  mailbox: { name: 'mailbox', prefix: 'mbx' },
  inbound_route: { name: 'inbound_route', prefix: 'inr' },
}

const actions = ['created', 'updated', 'deleted'] as const
const actorKinds = ['key', 'admin', 'cli', 'system'] as const

/** The user of a machine, and the machine. */
const PERSON = /^[^@\s]{1,64}@[^@\s]{1,255}$/

const filters = {
  target: z
    .string()
    .regex(/^[a-z_]{1,40}$/, 'must be a name in lower case')
    .meta({ description: 'Kind of what was changed.', examples: ['connection'] })
    .optional(),
  target_id: z.string().min(1).max(100).meta({ description: 'Id of what was changed.' }).optional(),
  action: z.enum(actions).meta({ description: 'Only changes of this kind.' }).optional(),
  actor: z
    .string()
    .refine(
      (text) =>
        actorKinds.some((kind) => kind === text) || fromPublicId('key', text) !== null || PERSON.test(text),
      { message: `must be the id of a key, user@host, or ${actorKinds.join(', ')}` },
    )
    .meta({
      description:
        'Who changed it: the id of a key, a person at the command line as `user@host`, or a kind of actor.',
      examples: ['anna@gate-1'],
    })
    .optional(),
  since: field.timeBound('Only changes at this time or later.'),
  until: field.timeBound('Only changes before this time.'),
}
const page = {
  cursor: field.cursor,
  limit: field.queryInt('Changes on a page.', { max: 100, usual: 50 }),
}
const tenant = field.givenId('ten', 'Only changes of this tenant.').optional()

export const AuditFilter = z.strictObject(filters)
export type AuditFilter = z.output<typeof AuditFilter>
export const ListAuditQuery = z.strictObject({ ...filters, ...page })
export type ListAuditQuery = z.output<typeof ListAuditQuery>
export const AdminAuditFilter = z.strictObject({ ...filters, tenant })
export type AdminAuditFilter = z.output<typeof AdminAuditFilter>
export const ListAdminAuditQuery = z.strictObject({ ...filters, ...page, tenant })
export type ListAdminAuditQuery = z.output<typeof ListAdminAuditQuery>

const values = (description: string) =>
  z
    .record(z.string(), z.unknown())
    .nullable()
    .meta({ description, examples: [{ name: 'Relay' }] })

export const AuditEntry = z
  .object({
    seq: field.int('Number of the change; a later one has a larger number.'),
    at: field.time('When it was changed.'),
    tenant: field.maybeText('The tenant concerned; null: something of the operator.'),
    actor: z
      .object({
        kind: z.enum(actorKinds).meta({
          description:
            '`key`: a key of the tenant. `admin`: a key of the operator. `cli`: the command line. `system`: the gateway itself.',
        }),
        key_id: field.maybeText('The key.'),
        request_id: field.maybeText('The request, as in logs and answers.'),
        address: field.maybeText('The IP address that it came from.'),
        user: field.maybeText('For `cli`: the user of the machine.'),
        host: field.maybeText('For `cli`: the machine.'),
      })
      .meta({ id: 'AuditActor', description: 'Who changed it.' }),
    action: z.enum(actions).meta({ description: 'The kind of change.' }),
    target: field.text('Kind of what was changed.', 'connection'),
    target_id: field.id('con', 'Its id.'),
    before: values(
      'The values that changed, as they were. Secrets are never in it: where one changed, its name stands with null.',
    ),
    after: values('The same values, as they are since.'),
  })
  .meta({ id: 'AuditEntry', description: 'A change that somebody made.' })
export type AuditEntry = z.output<typeof AuditEntry>

export const AuditList = field
  .pageOf(AuditEntry, 'The newest first.')
  .meta({ id: 'AuditList', description: 'A page of changes.' })
export type AuditList = z.output<typeof AuditList>
