import { z } from 'zod'
import { CONNECTIONS_MAX } from '../connections/max.ts'
import { DOMAINS_MAX } from '../domains/domains.ts'
import { MAILBOXES_MAX } from '../inbound/messages.ts'
import { INBOUND_ROUTES_MAX } from '../inbound/routes.ts'
import { KEYS_MAX } from '../keys/keys.ts'
import * as field from '../lib/fields.ts'
import { mapTable } from '../lib/map-table.ts'
import { ROUTES_MAX } from '../routes/routes.ts'
import { SMTP_CREDENTIALS_MAX } from '../smtp-credentials/smtp-credentials.ts'
import { ENDPOINTS_MAX } from '../webhooks/requests.ts'

/** What a plan may limit the number of: its name in a sentence, and the most that a tenant may have, whatever its plan says. */
const resources = {
  connections: ['Connections to providers', CONNECTIONS_MAX],
  routes: ['Routes', ROUTES_MAX],
  endpoints: ['Endpoints', ENDPOINTS_MAX],
  domains: ['Domains', DOMAINS_MAX],
  keys: ['Keys that have not ended', KEYS_MAX],
  smtp_credentials: ['Logins by SMTP', SMTP_CREDENTIALS_MAX],
  inbound_routes: ['Routes of inbound mail', INBOUND_ROUTES_MAX],
  mailboxes: ['Mailboxes', MAILBOXES_MAX],
} as const
export type Resource = keyof typeof resources

/** How many of each a tenant may have at most, whatever its plan says. */
export const resourceMaxima = mapTable(resources, ([, max]) => max)

const ofPlan = mapTable(resources, ([what, max]) =>
  z
    .int()
    .min(0)
    .max(max)
    .optional()
    .meta({ description: `${what}, ${max} at most.` }),
)
const description = 'How many of each a tenant may have. Left out: as many as the gateway allows.'

export const NewResources = z
  .strictObject(ofPlan)
  .meta({ description, examples: [{ connections: 5, domains: 3 }] })

/** As stored: names that are not known any more are left out. */
export const Resources = z
  .object(
    mapTable(resources, ([what, max]) =>
      z
        .int()
        .optional()
        .meta({ description: `${what}. Left out: ${max}.` }),
    ),
  )
  .meta({ description, examples: [{ connections: 5, domains: 3 }] })
export type Resources = z.output<typeof Resources>

export const ChangeResources = z
  .strictObject(
    mapTable(ofPlan, (limit) =>
      limit.nullable().meta({ description: `${limit.description} Null: that of the plan again.` }),
    ),
  )
  .meta({ description: 'How many of each this tenant may have. Numbers that are left out stay as they are.' })

export const AllResources = z
  .object(mapTable(resources, ([what]) => field.int(`${what}.`)))
  .meta({ description: 'How many of each you may have.' })
export type AllResources = z.output<typeof AllResources>
