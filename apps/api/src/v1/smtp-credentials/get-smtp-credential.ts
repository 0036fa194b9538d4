import { SmtpCredential } from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import { readSmtpCredential } from '@lettergate/core/smtp-credentials'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentSmtpCredential } from './present-smtp-credential.ts'

/** Shows a login for SMTP. */
export const getSmtpCredentialRoute = tenantRoute('GET', '/v1/smtp-credentials/:id', {
  scope: 'smtp-credentials:read',
  operationId: 'getSmtpCredential',
  summary: 'Read an SMTP credential',
  description: 'The login without its password, and when it was last used.',
  id: 'smc',
  answers: { 200: answer('The login.', SmtpCredential) },
  handler: async ({ deps, tenant, id }) => presentSmtpCredential(await readSmtpCredential(deps, tenant, id)),
})
