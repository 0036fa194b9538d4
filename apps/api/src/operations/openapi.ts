import type { FastifyInstance } from 'fastify'

/** The whole API as an OpenAPI 3.1 document, made from the schemas that the routes run on. */
export function addOpenApiRoute(app: FastifyInstance): void {
  let text: string | null = null
  app.get('/openapi.json', {
    config: { public: 'page' },
    schema: { hide: true },
    handler: (_request, reply) => {
      text ??= JSON.stringify(app.swagger())
      return reply.header('content-type', 'application/json; charset=utf-8').send(text)
    },
  })
}
