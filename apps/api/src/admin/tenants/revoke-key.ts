import { revokeTenantKey } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { pathId } from '../../http/path-id.ts'
import { problemAnswers } from '../../http/schemas.ts'
import { TenantKeyPath } from '../paths.ts'

/** Revokes a key of a tenant. */
export function addRevokeTenantKeyRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string; key: string } }>('/v1/admin/tenants/:id/keys/:key', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminRevokeTenantKey',
      summary: 'Revoke a key of a tenant',
      description: 'All processes refuse the key within five seconds. It stays in the list.',
      tags: ['Operator'],
      params: TenantKeyPath,
      response: { 204: z.null().describe('The key is revoked.'), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request, reply) => {
      const [id, key] = [pathId('ten', request.params.id), pathId('key', request.params.key)]
      await asOperator(deps, (db) => revokeTenantKey(db, id, key))
      return reply.code(204).send()
    },
  })
}
