import { Domain } from '@lettergate/contracts/domains/domains'
import { checkNow } from '@lettergate/core/domains'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentDomain } from './present-domain.ts'

/** Checks a domain now. */
export const checkDomainRoute = tenantRoute('POST', '/v1/domains/:id/check', {
  scope: 'domains:write',
  takesLong: true,
  operationId: 'checkDomain',
  summary: 'Check a domain',
  description:
    'Asks the name servers of the domain now, once a minute at most, and answers what they said. A domain that failed is looked for again, for 72 hours.',
  id: 'dom',
  answers: { 200: answer('The domain, as found.', Domain) },
  problems: [409, 429],
  handler: async ({ deps, tenantId, id }) => presentDomain(await checkNow(deps.domains, tenantId, id)),
})
