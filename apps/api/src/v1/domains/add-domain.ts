import { AddDomainRequest, Domain } from '@lettergate/contracts/domains/domains'
import { addDomain } from '@lettergate/core/domains'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentDomain } from './present-domain.ts'

/** Adds a domain with keys. */
export const addDomainRoute = tenantRoute('POST', '/v1/domains', {
  scope: 'domains:write',
  operationId: 'addDomain',
  summary: 'Add a domain',
  description:
    'Answers the DNS records to add. Adding proves nothing yet: the domain is verified once its ownership record or a DKIM key is found. It is looked for automatically, for 72 hours.',
  body: AddDomainRequest,
  answers: { 201: answer('The new domain, with its records.', Domain) },
  problems: [409],
  handler: async ({ deps, reply, tenantId, body }) => {
    const shown = presentDomain(await addDomain(deps.domains, tenantId, body.name))
    reply.header('location', `/v1/domains/${shown.id}`)
    return shown
  },
})
