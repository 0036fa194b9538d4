import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'

/** Figures for Prometheus. */
export function addMetricsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/metrics', {
    config: { public: true },
    schema: { hide: true },
    handler: async (_request, reply) => {
      const { registry } = deps.metrics
      return reply.type(registry.contentType).send(await registry.metrics())
    },
  })
}
