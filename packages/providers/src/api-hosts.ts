import type { ProviderId } from './registry.ts'

/**
 * The hosts of each provider that has an API, all on port 443 by https: those of sending, of tokens, and of the registration of webhooks. A `*`
 * is one whole label. A test holds them against what the adapters call. The others are reached by SMTP, at hosts that tenants choose.
 */
export const apiHosts = {
  // https://docs.aws.amazon.com/general/latest/gr/ses.html; identities by STS, events by SNS.
  ses: [
    'email.*.amazonaws.com',
    'email-fips.*.amazonaws.com',
    'email.*.api.aws',
    'email-fips.*.api.aws',
    'email.*.amazonaws.com.cn',
    'email.*.api.amazonwebservices.com.cn',
    '*.endpoints.email.amazonaws.com',
    '*.endpoints.email.global.api.aws',
    '*.endpoints.email.us-gov.amazonaws.com',
    'sts.*.amazonaws.com',
    'sts-fips.*.amazonaws.com',
    'sts.*.api.aws',
    'sts.*.amazonaws.com.cn',
    'sns.*.amazonaws.com',
    'sns-fips.*.amazonaws.com',
    'sns.*.api.aws',
    'sns.*.amazonaws.com.cn',
  ],
  sendgrid: ['api.sendgrid.com', 'api.eu.sendgrid.com'],
  mailgun: ['api.mailgun.net', 'api.eu.mailgun.net'],
  mandrill: ['mandrillapp.com'],
  sparkpost: ['api.sparkpost.com', 'api.eu.sparkpost.com'],
  postmark: ['api.postmarkapp.com'],
  resend: ['api.resend.com'],
  brevo: ['api.brevo.com'],
  gmail: ['gmail.googleapis.com', 'oauth2.googleapis.com'],
  // Large attachments go where Graph says: https://learn.microsoft.com/en-us/graph/outlook-large-attachments
  microsoft365: [
    'graph.microsoft.com',
    'login.microsoftonline.com',
    'outlook.office.com',
    'outlook.office365.com',
  ],
} as const satisfies Partial<Record<ProviderId, readonly string[]>>

/** All of them, each once. */
export function allApiHosts(): string[] {
  return [...new Set(Object.values(apiHosts).flat())].sort()
}
