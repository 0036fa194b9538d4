import { CreateTenantRequest, TenantCreated } from '@lettergate/contracts/admin/tenants'
import { addTenant, presentTenant, readTenant } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Creates a tenant. */
export const createTenantRoute = operatorRoute('POST', '/v1/admin/tenants', {
  operationId: 'adminCreateTenant',
  summary: 'Create a tenant',
  description: 'Creates a tenant with a live and a test key. The keys are shown only here.',
  body: CreateTenantRequest,
  answers: { 201: answer('The tenant and its keys.', TenantCreated) },
  handler: async ({ deps, body }) => {
    const made = await asOperator(deps, async (db) => {
      const { tenantId, liveKey, testKey } = await addTenant({ db, pepper: deps.pepper }, body)
      return { tenant: presentTenant(await readTenant(db, tenantId)), live_key: liveKey, test_key: testKey }
    })
    return made
  },
})
