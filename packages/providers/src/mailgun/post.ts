import type { HttpRequest } from '../provider.ts'
import { accountOf, type Connection } from './account.ts'

/**
 * A form with the message as its file (RFC 7578), for the one route that a sending key may use. Neither names nor
 * values may hold a line break, nor the message the boundary, which is why that is made from its random id.
 */
export function toPost(
  connection: Connection,
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
  const { url, headers } = accountOf(connection)
  return {
    method: 'POST',
    url: `${url}/v3/${connection.settings.domain}/messages.mime`,
    headers: { ...headers, 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([Buffer.from(head), ...file, Buffer.from(`--${boundary}--\r\n`)]),
  }
}
