import { postJson } from '../lib/call-api.ts'
import { exchange } from '../lib/http.ts'
import { Latin1, toJsonBody } from '../lib/json-body.ts'
import { buildMime } from '../lib/mime.ts'
import type { Io, OutboundMessage, SendOutcome } from '../provider.ts'
import { accountOf, type Connection, type Settings } from './account.ts'
import { correlationFields } from './correlation.ts'
import { toOutcome } from './outcome.ts'

/**
 * Hands the whole message to Mandrill as raw MIME: as JSON it would garble file names and names beyond ASCII
 * (https://anymail.dev/en/stable/esps/mandrill/#limitations-and-quirks).
 */
export async function sendByMandrill(
  message: OutboundMessage,
  connection: Connection,
  io: Io,
): Promise<SendOutcome> {
  const mime = await buildMime(message)
  // `to` alone decides who gets the mail: https://mailchimp.com/developer/transactional/api/messages/
  const body = {
    key: connection.credentials.api_key.reveal(),
    raw_message: new Latin1(Buffer.from(orders(message, connection.settings), 'latin1'), mime),
    to: message.envelopeTo,
    async: false,
  }
  const json = await toJsonBody(body, mime.length)
  return exchange(io, postJson(accountOf(connection), '/messages/send-raw', json), (response, now) =>
    toOutcome(response, now, message.envelopeTo),
  )
}

/**
 * Header fields that Mandrill obeys: one mail for all, its content left as it is. Each is on one line:
 * https://mailchimp.com/developer/transactional/docs/smtp-integration/#customize-messages-with-headers
 */
function orders(message: OutboundMessage, settings: Settings): string {
  const fields: [string, string | undefined][] = [
    ['PreserveRecipients', 'true'],
    ['Autotext', 'false'],
    ['AutoHtml', 'false'],
    ['InlineCSS', 'false'],
    ...correlationFields(message, settings.metadata === true),
    ['Subaccount', settings.subaccount],
  ]
  return fields.map(([name, value]) => (value === undefined ? '' : `X-MC-${name}: ${value}\r\n`)).join('')
}
