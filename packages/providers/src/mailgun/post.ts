import type { HttpRequest, ProviderConnection } from '../provider.ts'
import type { MailgunCredentials, MailgunSettings } from './types.ts'

/** Header fields that every request has: https://documentation.mailgun.com/docs/mailgun/api-reference/authentication */
export function toHeaders({ api_key }: MailgunCredentials): Record<string, string> {
  const pair = Buffer.from(`api:${api_key.reveal()}`).toString('base64')
  return { Authorization: `Basic ${pair}`, 'User-Agent': 'Lettergate' }
}

/**
 * A form with the message as its file (RFC 7578), for the one route that a sending key may use. Neither names nor
 * values may hold a line break, nor the message the boundary, which is why that is made from its random id.
 */
export function toPost(
  { credentials, settings }: ProviderConnection<MailgunCredentials, MailgunSettings>,
  endpoint: string,
  boundary: string,
  fields: [string, string][],
  mime?: Buffer,
): HttpRequest {
  const head = fields
    .map(
      ([name, value]) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    .join('')
  const file =
    mime === undefined
      ? []
      : [
          Buffer.from(
            `--${boundary}\r\nContent-Disposition: form-data; name="message"; filename="message.eml"\r\n` +
              'Content-Type: message/rfc822\r\n\r\n',
          ),
          mime,
          Buffer.from('\r\n'),
        ]
  return {
    method: 'POST',
    url: `${endpoint}/v3/${settings.domain}/messages.mime`,
    headers: { ...toHeaders(credentials), 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([Buffer.from(head), ...file, Buffer.from(`--${boundary}--\r\n`)]),
  }
}
