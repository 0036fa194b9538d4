import { DomainList } from '@lettergate/contracts/domains/domains'
import { listDomains } from '@lettergate/core/domains'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentSummary } from './present-domain.ts'

/** Lists the domains of the tenant. */
export const listDomainsRoute = tenantRoute('GET', '/v1/domains', {
  scope: 'domains:read',
  operationId: 'listDomains',
  summary: 'List domains',
  description:
    'All domains in the order of their names, without their records. Test keys and live keys see the same.',
  answers: { 200: answer('All domains.', DomainList) },
  handler: async ({ deps, tenantId }) => ({
    data: (await listDomains(deps.domains, tenantId)).map(presentSummary),
  }),
})
