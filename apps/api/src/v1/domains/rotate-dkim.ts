import { Domain } from '@lettergate/contracts/domains/domains'
import { rotateKeys } from '@lettergate/core/domains'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentDomain } from './present-domain.ts'

/** Makes new keys beside those in use. */
export const rotateDkimRoute = tenantRoute('POST', '/v1/domains/:id/rotate-dkim', {
  scope: 'domains:write',
  operationId: 'rotateDkim',
  summary: 'Rotate the DKIM keys',
  description:
    'Makes new keys. Add their records; the keys are used once all name servers have had them for an hour. Keep the records of the earlier keys until they are shown as `remove`.',
  id: 'dom',
  answers: { 200: answer('The domain, with the records of the new keys.', Domain) },
  problems: [409],
  handler: async ({ deps, tenantId, id }) => presentDomain(await rotateKeys(deps.domains, tenantId, id)),
})
