import fastifySwagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { TAGS } from './tags.ts'
import { tidyDocument } from './tidy.ts'

const DESCRIPTION = `
Send email with one POST and poll its status. Everything is plain JSON on one host.

A \`202\` means that the message is stored and will be sent; read the status of its recipients to follow it.
If an answer is lost, repeat the request with the same \`Idempotency-Key\`: nothing is sent twice.
Keys that begin with \`lg_test_\` use the same API, but nothing leaves the gateway.

Errors are \`application/problem+json\` (RFC 9457); their \`type\` is the address of a page that explains what to do.
`.trim()

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
      tags: [...TAGS],
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
