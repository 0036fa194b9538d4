import {
  SmtpCredential,
  UpdateSmtpCredentialRequest,
} from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import { updateSmtpCredential } from '@lettergate/core/smtp-credentials'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentSmtpCredential } from './present-smtp-credential.ts'

/** Changes a login for SMTP, or revokes it. */
export const updateSmtpCredentialRoute = tenantRoute('PATCH', '/v1/smtp-credentials/:id', {
  scope: 'smtp-credentials:write',
  operationId: 'updateSmtpCredential',
  summary: 'Change or revoke an SMTP credential',
  description:
    'Fields left out stay as they are; lists are replaced as a whole. `revoked: true` ends the login for good, everywhere within five seconds: open sessions end at their next mail. The mail that it has sent stays.',
  id: 'smc',
  body: UpdateSmtpCredentialRequest,
  answers: { 200: answer('The login as it is now.', SmtpCredential) },
  handler: async ({ deps, tenant, id, body }) =>
    presentSmtpCredential(await updateSmtpCredential(deps, tenant, id, body)),
})
