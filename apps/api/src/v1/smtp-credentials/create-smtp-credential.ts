import {
  CreateSmtpCredentialRequest,
  SMTP_CREDENTIALS_MAX,
  SmtpCredentialCreated,
} from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import { createSmtpCredential } from '@lettergate/core/smtp-credentials'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentSmtpCredential } from './present-smtp-credential.ts'

/** Makes a login for SMTP; its secret is answered here alone. */
export function addCreateSmtpCredentialRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: CreateSmtpCredentialRequest }>('/v1/smtp-credentials', {
    config: { scope: 'smtp-credentials:write' },
    schema: {
      operationId: 'createSmtpCredential',
      summary: 'Create an SMTP credential',
      description: `A user name and a password for a program that sends by SMTP. The answer shows the password, once. It works with CRAM-MD5, PLAIN and LOGIN. A tenant has ${SMTP_CREDENTIALS_MAX} at most. Mail of a login that a test key made is test mail.`,
      tags: ['SMTP credentials'],
      body: CreateSmtpCredentialRequest,
      response: {
        201: answer('The new login, with its password.', SmtpCredentialCreated),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply): Promise<SmtpCredentialCreated> => {
      const { credential, secret } = await createSmtpCredential(deps, tenantOf(request), request.body)
      const shown = presentSmtpCredential(credential)
      reply.code(201).header('location', `/v1/smtp-credentials/${shown.id}`)
      return { ...shown, secret }
    },
  })
}
