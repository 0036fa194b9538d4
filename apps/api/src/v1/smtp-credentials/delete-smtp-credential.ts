import { deleteSmtpCredential } from '@lettergate/core/smtp-credentials'
import { tenantRoute } from '../../http/route.ts'
import { nothing } from '../../http/schemas.ts'

/** Removes a login for SMTP. */
export const deleteSmtpCredentialRoute = tenantRoute('DELETE', '/v1/smtp-credentials/:id', {
  scope: 'smtp-credentials:write',
  operationId: 'deleteSmtpCredential',
  summary: 'Delete an SMTP credential',
  description: 'As revoking it, and the login is not listed any more.',
  id: 'smc',
  answers: { 204: nothing('The login is deleted.') },
  handler: async ({ deps, tenant, id }) => {
    await deleteSmtpCredential(deps, tenant, id)
  },
})
