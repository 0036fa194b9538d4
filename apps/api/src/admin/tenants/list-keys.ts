import { TenantKeyList } from '@lettergate/contracts/admin/tenants'
import { listTenantKeys } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentKey } from './present-key.ts'

/** Lists the keys of a tenant. */
export const listTenantKeysRoute = operatorRoute('GET', '/v1/admin/tenants/:id/keys', {
  operationId: 'adminListTenantKeys',
  summary: 'List the keys of a tenant',
  description: 'All keys, revoked ones too, without the keys themselves.',
  id: 'ten',
  answers: { 200: answer('The keys.', TenantKeyList) },
  handler: async ({ deps, id }) => {
    const rows = await asOperator(deps, (db) => listTenantKeys(db, id))
    return { data: rows.map(presentKey) }
  },
})
