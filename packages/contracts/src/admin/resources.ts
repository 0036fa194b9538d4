import { z } from 'zod'
import { CONNECTIONS_MAX } from '../connections/max.ts'
import { DOMAINS_MAX } from '../domains/domains.ts'
import { MAILBOXES_MAX } from '../inbound/messages.ts'
import { INBOUND_ROUTES_MAX } from '../inbound/routes.ts'
import { KEYS_MAX } from '../keys/keys.ts'
import { ROUTES_MAX } from '../routes/routes.ts'
import { SMTP_CREDENTIALS_MAX } from '../smtp-credentials/smtp-credentials.ts'
import { ENDPOINTS_MAX } from '../webhooks/requests.ts'

export const Resource = z.enum([
  'connections',
  'routes',
  'endpoints',
  'domains',
  'keys',
  'smtp_credentials',
  'inbound_routes',
  'mailboxes',
])
export type Resource = z.output<typeof Resource>

/** How many of each a tenant may have at most, whatever its plan says. */
export const resourceMaxima: Record<Resource, number> = {
  connections: CONNECTIONS_MAX,
  routes: ROUTES_MAX,
  endpoints: ENDPOINTS_MAX,
  domains: DOMAINS_MAX,
  keys: KEYS_MAX,
  smtp_credentials: SMTP_CREDENTIALS_MAX,
  inbound_routes: INBOUND_ROUTES_MAX,
  mailboxes: MAILBOXES_MAX,
}

function fieldsOf<T>(field: (name: Resource, what: string) => T): Record<Resource, T> {
  return {
    connections: field('connections', 'Connections to providers'),
    routes: field('routes', 'Routes'),
    endpoints: field('endpoints', 'Endpoints'),
    domains: field('domains', 'Domains'),
    keys: field('keys', 'Keys that have not ended'),
    smtp_credentials: field('smtp_credentials', 'Logins by SMTP'),
    inbound_routes: field('inbound_routes', 'Routes of inbound mail'),
    mailboxes: field('mailboxes', 'Mailboxes'),
  }
}

const ofPlan = fieldsOf((name, what) =>
  z
    .int()
    .min(0)
    .max(resourceMaxima[name])
    .optional()
    .meta({ description: `${what}, ${resourceMaxima[name]} at most.` }),
)
const description = 'How many of each a tenant may have. Left out: as many as the gateway allows.'

export const NewResources = z
  .strictObject(ofPlan)
  .meta({ description, examples: [{ connections: 5, domains: 3 }] })

/** As stored: names that are not known any more are left out. */
export const Resources = z
  .object(
    fieldsOf((name, what) =>
      z
        .int()
        .optional()
        .meta({ description: `${what}. Left out: ${resourceMaxima[name]}.` }),
    ),
  )
  .meta({ description, examples: [{ connections: 5, domains: 3 }] })
export type Resources = z.output<typeof Resources>

export const ChangeResources = z
  .strictObject(
    fieldsOf((name) =>
      ofPlan[name]
        .nullable()
        .meta({ description: `${ofPlan[name].meta()?.description ?? ''} Null: that of the plan again.` }),
    ),
  )
  .meta({ description: 'How many of each this tenant may have. Numbers that are left out stay as they are.' })
export type ChangeResources = z.output<typeof ChangeResources>

export const AllResources = z
  .object(fieldsOf((_, what) => z.int().meta({ description: `${what}.` })))
  .meta({ description: 'How many of each you may have.' })
export type AllResources = z.output<typeof AllResources>
