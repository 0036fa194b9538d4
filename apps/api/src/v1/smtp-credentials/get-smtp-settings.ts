import { programSettings } from '@lettergate/contracts/smtp-credentials/program-settings'
import { SmtpSettings, smtpUserName } from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import { readSmtpCredential } from '@lettergate/core/smtp-credentials'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, SmtpCredentialPath } from '../../http/schemas.ts'

/** Shows how programs use a login: the password is not known any more. */
export function addGetSmtpSettingsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/smtp-credentials/:id/settings', {
    config: { scope: 'smtp-credentials:read' },
    schema: {
      operationId: 'getSmtpSettings',
      summary: 'Read the settings of programs',
      description:
        'Server, ports and user name, and settings to copy for Postfix, Exim, msmtp, PHP, PHPMailer, Django, WordPress, Drupal, Rails, Nodemailer, Spring and office printers. Write the password in place of `YOUR_PASSWORD`.',
      tags: ['SMTP credentials'],
      params: SmtpCredentialPath,
      response: {
        200: answer('The settings.', SmtpSettings),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request): Promise<SmtpSettings> => {
      const row = await readSmtpCredential(deps, tenantOf(request), pathId('smc', request.params.id))
      const { host, ports } = deps.smtp
      const username = smtpUserName(row.id)
      const access = { host, starttlsPort: ports.starttls[0], tlsPort: ports.tls[0], username }
      return { host, ports, username, programs: programSettings({ ...access, password: 'YOUR_PASSWORD' }) }
    },
  })
}
