import { SmtpCredentialList } from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import { listSmtpCredentials } from '@lettergate/core/smtp-credentials'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentSmtpCredential } from './present-smtp-credential.ts'

/** Lists the tenant's logins for SMTP. */
export function addListSmtpCredentialsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/smtp-credentials', {
    config: { scope: 'smtp-credentials:read' },
    schema: {
      operationId: 'listSmtpCredentials',
      summary: 'List SMTP credentials',
      description:
        'All logins of the mode of the key, revoked ones included, in the order in which they were made.',
      tags: ['SMTP credentials'],
      response: {
        200: answer('All logins.', SmtpCredentialList),
        ...problemAnswers(401, 403, 503),
      },
    },
    handler: async (request): Promise<SmtpCredentialList> => {
      return { data: (await listSmtpCredentials(deps, tenantOf(request))).map(presentSmtpCredential) }
    },
  })
}
