import { SmtpCredentialList } from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import { listSmtpCredentials } from '@lettergate/core/smtp-credentials'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentSmtpCredential } from './present-smtp-credential.ts'

/** Lists the tenant's logins for SMTP. */
export const listSmtpCredentialsRoute = tenantRoute('GET', '/v1/smtp-credentials', {
  scope: 'smtp-credentials:read',
  operationId: 'listSmtpCredentials',
  summary: 'List SMTP credentials',
  description:
    'All logins of the mode of the key, revoked ones included, in the order in which they were made.',
  answers: { 200: answer('All logins.', SmtpCredentialList) },
  handler: async ({ deps, tenant }) => ({
    data: (await listSmtpCredentials(deps, tenant)).map(presentSmtpCredential),
  }),
})
