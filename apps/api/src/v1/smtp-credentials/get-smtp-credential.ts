import { SmtpCredential } from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import { readSmtpCredential } from '@lettergate/core/smtp-credentials'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, SmtpCredentialPath } from '../../http/schemas.ts'
import { presentSmtpCredential } from './present-smtp-credential.ts'

/** Shows a login for SMTP. */
export function addGetSmtpCredentialRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/smtp-credentials/:id', {
    config: { scope: 'smtp-credentials:read' },
    schema: {
      operationId: 'getSmtpCredential',
      summary: 'Read an SMTP credential',
      description: 'The login without its password, and when it was last used.',
      tags: ['SMTP credentials'],
      params: SmtpCredentialPath,
      response: {
        200: answer('The login.', SmtpCredential),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request): Promise<SmtpCredential> => {
      const id = pathId('smc', request.params.id)
      return presentSmtpCredential(await readSmtpCredential(deps, tenantOf(request), id))
    },
  })
}
