import { exchange } from '../lib/http.ts'
import { Latin1, toJsonBody } from '../lib/json-body.ts'
import { buildMime } from '../lib/mime.ts'
import type { HttpRequest, Io, OutboundMessage, ProviderConnection, SendOutcome } from '../provider.ts'
import { correlationFields } from './correlation.ts'
import { toOutcome } from './outcome.ts'
import type { MandrillCredentials, MandrillSettings } from './types.ts'

/** The endpoint of the current official client. */
export const apiPath = '/api/1.3'

type Connection = ProviderConnection<MandrillCredentials, MandrillSettings>

/**
 * Hands the whole message to Mandrill as raw MIME: as JSON it would garble file names and names beyond ASCII
 * (https://anymail.dev/en/stable/esps/mandrill/#limitations-and-quirks).
 */
export async function sendByMandrill(
  message: OutboundMessage,
  connection: Connection,
  endpoint: string,
  io: Io,
): Promise<SendOutcome> {
  const mime = await buildMime(message)
  return exchange(io, await toRequest(message, mime, connection, endpoint), (response, now) =>
    toOutcome(message.envelopeTo, response, now),
  )
}

/** https://mailchimp.com/developer/transactional/api/messages/: `to` alone decides who gets the mail. */
async function toRequest(
  message: OutboundMessage,
  mime: Buffer,
  { credentials, settings }: Connection,
  endpoint: string,
): Promise<HttpRequest> {
  const request = {
    key: credentials.api_key.reveal(),
    raw_message: new Latin1(Buffer.from(orders(message, settings), 'latin1'), mime),
    to: message.envelopeTo,
    async: false,
  }
  const body = await toJsonBody(request, mime.length)
  const headers = { 'Content-Type': 'application/json', 'User-Agent': 'Lettergate' }
  return { method: 'POST', url: `${endpoint}${apiPath}/messages/send-raw`, headers, body }
}

/**
 * Header fields that Mandrill obeys: one mail for all, its content left as it is. Each is on one line:
 * https://mailchimp.com/developer/transactional/docs/smtp-integration/#customize-messages-with-headers
 */
function orders(message: OutboundMessage, settings: MandrillSettings): string {
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
