import { CreateTenantKeyRequest, TenantKeyCreated } from '@lettergate/contracts/admin/tenants'
import { createTenantKey } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, TenantPath } from '../../http/schemas.ts'
import { presentKey } from './present-key.ts'

/** Creates a key of a tenant. */
export function addCreateTenantKeyRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string }; Body: CreateTenantKeyRequest }>('/v1/admin/tenants/:id/keys', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminCreateTenantKey',
      summary: 'Create a key of a tenant',
      description: 'The key is shown only here.',
      tags: ['Operator'],
      params: TenantPath,
      body: CreateTenantKeyRequest,
      response: {
        201: answer('The key.', TenantKeyCreated),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply): Promise<TenantKeyCreated> => {
      const id = pathId('ten', request.params.id)
      const { key, info } = await asOperator(deps, (db) =>
        createTenantKey({ db, pepper: deps.pepper }, id, request.body),
      )
      reply.code(201)
      return { key, info: presentKey(info) }
    },
  })
}
