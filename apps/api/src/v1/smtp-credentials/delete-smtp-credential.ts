import { deleteSmtpCredential } from '@lettergate/core/smtp-credentials'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { problemAnswers, SmtpCredentialPath } from '../../http/schemas.ts'

/** Removes a login for SMTP. */
export function addDeleteSmtpCredentialRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string } }>('/v1/smtp-credentials/:id', {
    config: { scope: 'smtp-credentials:write' },
    schema: {
      operationId: 'deleteSmtpCredential',
      summary: 'Delete an SMTP credential',
      description: 'As revoking it, and the login is not listed any more.',
      tags: ['SMTP credentials'],
      params: SmtpCredentialPath,
      response: {
        204: z.null().describe('The login is deleted.'),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request, reply) => {
      await deleteSmtpCredential(deps, tenantOf(request), pathId('smc', request.params.id))
      return reply.code(204).send()
    },
  })
}
