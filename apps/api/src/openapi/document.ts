import fastifySwagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { tidyDocument } from './tidy.ts'

const DESCRIPTION = `
Send email with one POST and poll its status. Everything is plain JSON on one host.

A \`202\` means that the message is stored and will be sent; read the status of its recipients to follow it.
If an answer is lost, repeat the request with the same \`Idempotency-Key\`: nothing is sent twice.
Keys that begin with \`lg_test_\` use the same API, but nothing leaves the gateway.

Errors are \`application/problem+json\` (RFC 9457); their \`type\` is the address of a page that explains what to do.
`.trim()

const TAGS = [
  { name: 'Messages', description: 'Send messages and follow their status.' },
  {
    name: 'Connections',
    description: 'Your own accounts at email providers. Your messages are sent through them.',
  },
  {
    name: 'Routes',
    description: 'Rules that say which connections send which messages, and in which order.',
  },
  {
    name: 'Endpoints',
    description: 'URLs of yours that get events, signed, when they happen.',
  },
  {
    name: 'Domains',
    description:
      'Domains that you send from: the DNS records that prove them, and the keys that sign your mail.',
  },
  {
    name: 'SMTP credentials',
    description: 'User names and passwords of programs that send by SMTP.',
  },
  {
    name: 'Events',
    description:
      'All that happens to your messages, in the order in which it was stored. No event is missed.',
  },
  {
    name: 'Suppressions',
    description:
      'Addresses that your mail is not sent to, because of a bounce, a complaint, an unsubscription, or your own wish.',
  },
  {
    name: 'Usage',
    description: 'Your usage, and the limits of your plan.',
  },
  {
    name: 'Inbound',
    description: 'Mail that comes in: which addresses are received for, and what becomes of their mail.',
  },
  {
    name: 'Data',
    description: 'Exports of all your data, and erasure of addresses.',
  },
  {
    name: 'Provider events',
    description: 'The reports of email providers: delivered, bounced, opened and others.',
  },
  { name: 'Audit', description: 'Every change of your tenant: who made it, when, before and after.' },
  {
    name: 'Operator',
    description: 'Tenants, plans and figures, for the operator of the gateway. Keys begin with `lg_admin_`.',
  },
  {
    name: 'Keys',
    description: 'API keys: what each may do, from where, and when it was used.',
  },
  {
    name: 'Egress',
    description: 'The hosts that the gateway connects to for you, by your plan.',
  },
  { name: 'Settings', description: 'Your choices that hold for all your mail.' },
  {
    name: 'Shared pool',
    description:
      'For the operator: the connections that all tenants share, how much each may send through them, and who may not.',
  },
  { name: 'Operations', description: 'Health and metrics of the gateway, and this reference.' },
]

const zodToJsonConfig = {
  override({ jsonSchema }: { jsonSchema: { format?: string; pattern?: string } }) {
    // `format` says it; the pattern that Zod checks by is a page long.
    if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
  },
}

/** Collects the routes that are added after it into an OpenAPI 3.1 document. */
export async function addOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Lettergate',
        version: '0.1.0',
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'This gateway' }],
      tags: TAGS,
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'An API key: `lg_live_…` or `lg_test_…`.' },
        },
      },
      security: [{ key: [] }],
    },
    transform: createJsonSchemaTransform({ zodToJsonConfig }),
    transformObject: (document) =>
      tidyDocument(createJsonSchemaTransformObject({ zodToJsonConfig })(document)),
  })
}
