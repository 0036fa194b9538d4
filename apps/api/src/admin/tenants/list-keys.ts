import { TenantKeyList } from '@lettergate/contracts/admin/tenants'
import { listTenantKeys } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, TenantPath } from '../../http/schemas.ts'
import { presentKey } from './present-key.ts'

/** Lists the keys of a tenant. */
export function addListTenantKeysRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/admin/tenants/:id/keys', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminListTenantKeys',
      summary: 'List the keys of a tenant',
      description: 'All keys, revoked ones too, without the keys themselves.',
      tags: ['Operator'],
      params: TenantPath,
      response: { 200: answer('The keys.', TenantKeyList), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<TenantKeyList> => {
      const id = pathId('ten', request.params.id)
      const rows = await asOperator(deps, (db) => listTenantKeys(db, id))
      return { data: rows.map(presentKey) }
    },
  })
}
