import { deleteDomain } from '@lettergate/core/domains'
import { tenantRoute } from '../../http/route.ts'
import { nothing } from '../../http/schemas.ts'

/** Removes a domain with its keys. */
export const deleteDomainRoute = tenantRoute('DELETE', '/v1/domains/:id', {
  scope: 'domains:write',
  operationId: 'deleteDomain',
  summary: 'Delete a domain',
  description:
    'No mail is signed with its keys any more, and it proves no sender. Remove its records from the DNS too. Added again, it has other records.',
  id: 'dom',
  answers: { 204: nothing('The domain is deleted.') },
  handler: async ({ deps, tenantId, id }) => {
    await deleteDomain(deps.domains, tenantId, id)
  },
})
