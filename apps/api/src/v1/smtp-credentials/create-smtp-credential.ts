import {
  CreateSmtpCredentialRequest,
  SMTP_CREDENTIALS_MAX,
  SmtpCredentialCreated,
} from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import { createSmtpCredential } from '@lettergate/core/smtp-credentials'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentSmtpCredential } from './present-smtp-credential.ts'

/** Makes a login for SMTP; its secret is answered here alone. */
export const createSmtpCredentialRoute = tenantRoute('POST', '/v1/smtp-credentials', {
  scope: 'smtp-credentials:write',
  operationId: 'createSmtpCredential',
  summary: 'Create an SMTP credential',
  description: `A user name and a password for a program that sends by SMTP. The answer shows the password, once. It works with CRAM-MD5, PLAIN and LOGIN. A tenant has ${SMTP_CREDENTIALS_MAX} at most. Mail of a login that a test key made is test mail.`,
  body: CreateSmtpCredentialRequest,
  answers: { 201: answer('The new login, with its password.', SmtpCredentialCreated) },
  problems: [409],
  handler: async ({ deps, reply, tenant, body }) => {
    const { credential, secret } = await createSmtpCredential(deps, tenant, body)
    const shown = presentSmtpCredential(credential)
    reply.header('location', `/v1/smtp-credentials/${shown.id}`)
    return { ...shown, secret }
  },
})
