import {
  SmtpCredential,
  UpdateSmtpCredentialRequest,
} from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import { updateSmtpCredential } from '@lettergate/core/smtp-credentials'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, SmtpCredentialPath } from '../../http/schemas.ts'
import { presentSmtpCredential } from './present-smtp-credential.ts'

/** Changes a login for SMTP, or revokes it. */
export function addUpdateSmtpCredentialRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.patch<{ Params: { id: string }; Body: UpdateSmtpCredentialRequest }>('/v1/smtp-credentials/:id', {
    config: { scope: 'smtp-credentials:write' },
    schema: {
      operationId: 'updateSmtpCredential',
      summary: 'Change or revoke an SMTP credential',
      description:
        'Fields left out stay as they are; lists are replaced as a whole. `revoked: true` ends the login for good, everywhere within five seconds: open sessions end at their next mail. The mail that it has sent stays.',
      tags: ['SMTP credentials'],
      params: SmtpCredentialPath,
      body: UpdateSmtpCredentialRequest,
      response: {
        200: answer('The login as it is now.', SmtpCredential),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<SmtpCredential> => {
      const id = pathId('smc', request.params.id)
      return presentSmtpCredential(await updateSmtpCredential(deps, tenantOf(request), id, request.body))
    },
  })
}
