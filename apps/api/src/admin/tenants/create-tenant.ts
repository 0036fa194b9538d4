import { CreateTenantRequest, TenantCreated } from '@lettergate/contracts/admin/tenants'
import { addTenant, presentTenant, readTenant } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Creates a tenant. */
export function addCreateTenantRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: CreateTenantRequest }>('/v1/admin/tenants', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminCreateTenant',
      summary: 'Create a tenant',
      description: 'Creates a tenant with a live and a test key. The keys are shown only here.',
      tags: ['Operator'],
      body: CreateTenantRequest,
      response: {
        201: answer('The tenant and its keys.', TenantCreated),
        ...problemAnswers(400, 401, 403, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply): Promise<TenantCreated> => {
      const made = await asOperator(deps, async (db) => {
        const { tenantId, liveKey, testKey } = await addTenant({ db, pepper: deps.pepper }, request.body)
        return { tenant: presentTenant(await readTenant(db, tenantId)), live_key: liveKey, test_key: testKey }
      })
      reply.code(201)
      return made
    },
  })
}
