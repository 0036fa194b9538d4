import { Domain } from '@lettergate/contracts/domains/domains'
import { readOwnDomain } from '@lettergate/core/domains'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentDomain } from './present-domain.ts'

/** Shows a domain with its records. */
export const getDomainRoute = tenantRoute('GET', '/v1/domains/:id', {
  scope: 'domains:read',
  operationId: 'getDomain',
  summary: 'Read a domain',
  description:
    'The domain, and for each of its records what is wanted, what was found, and what is different.',
  id: 'dom',
  answers: { 200: answer('The domain.', Domain) },
  handler: async ({ deps, tenantId, id }) => presentDomain(await readOwnDomain(deps.domains, tenantId, id)),
})
