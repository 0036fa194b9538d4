import { programSettings } from '@lettergate/contracts/smtp-credentials/program-settings'
import { SmtpSettings, smtpUserName } from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import { readSmtpCredential } from '@lettergate/core/smtp-credentials'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Shows how programs use a login: the password is not known any more. */
export const getSmtpSettingsRoute = tenantRoute('GET', '/v1/smtp-credentials/:id/settings', {
  scope: 'smtp-credentials:read',
  operationId: 'getSmtpSettings',
  summary: 'Read the settings of programs',
  description:
    'Server, ports and user name, and settings to copy for Postfix, Exim, msmtp, PHP, PHPMailer, Django, WordPress, Drupal, Rails, Nodemailer, Spring and office printers. Write the password in place of `YOUR_PASSWORD`.',
  id: 'smc',
  answers: { 200: answer('The settings.', SmtpSettings) },
  handler: async ({ deps, tenant, id }) => {
    const row = await readSmtpCredential(deps, tenant, id)
    const { host, ports } = deps.smtp
    const username = smtpUserName(row.id)
    const access = { host, starttlsPort: ports.starttls[0], tlsPort: ports.tls[0], username }
    return { host, ports, username, programs: programSettings({ ...access, password: 'YOUR_PASSWORD' }) }
  },
})
