import { CreateTenantKeyRequest, TenantKeyCreated } from '@lettergate/contracts/admin/tenants'
import { createTenantKey } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentKey } from './present-key.ts'

/** Creates a key of a tenant. */
export const createTenantKeyRoute = operatorRoute('POST', '/v1/admin/tenants/:id/keys', {
  operationId: 'adminCreateTenantKey',
  summary: 'Create a key of a tenant',
  description: 'The key is shown only here.',
  id: 'ten',
  body: CreateTenantKeyRequest,
  answers: { 201: answer('The key.', TenantKeyCreated) },
  handler: async ({ deps, id, body }) => {
    const { key, info } = await asOperator(deps, (db) =>
      createTenantKey({ db, pepper: deps.pepper }, id, body),
    )
    return { key, info: presentKey(info) }
  },
})
