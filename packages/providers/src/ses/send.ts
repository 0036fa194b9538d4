import { exchange } from '../http.ts'
import { Base64, hashBody, toJsonBody } from '../json-body.ts'
import { buildMime } from '../mime.ts'
import type { HttpRequest, Io, OutboundMessage, ProviderConnection, SendOutcome } from '../provider.ts'
import { tellUnverified } from '../unverified.ts'
import type { SesCredentials, SesSettings } from './index.ts'
import { toOutcome } from './outcome.ts'
import { signedHeaders } from './sign.ts'
import { emailTags } from './tags.ts'

const sendPath = '/v2/email/outbound-emails'

type Connection = ProviderConnection<SesCredentials, SesSettings>

/** Hands the whole message to SES as raw MIME. */
export async function sendBySes(
  message: OutboundMessage,
  connection: Connection,
  endpoint: string,
  io: Io,
): Promise<SendOutcome> {
  const mime = await buildMime(message)
  const outcome = await exchange(io, await toRequest(message, mime, connection, endpoint, io), toOutcome)
  return tellUnverified(outcome, message.from.address)
}

/** The signed request for one message. */
async function toRequest(
  message: OutboundMessage,
  mime: Buffer,
  { credentials, settings }: Connection,
  endpoint: string,
  io: Io,
): Promise<HttpRequest> {
  const { host, pathname: path, href: url } = new URL(endpoint + sendPath)
  const body = await toJsonBody(toBody(message, mime, settings), mime.length)
  const bodyHash = await hashBody(body)
  const headers = signedHeaders(
    { method: 'POST', host, path, bodyHash, region: settings.region },
    credentials,
    io.now(),
  )
  return { method: 'POST', url, headers, body }
}

// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html: the destination alone decides who gets
// the mail, so Bcc needs no header, and all addresses may stand in one list.
function toBody(message: OutboundMessage, mime: Buffer, settings: SesSettings) {
  return {
    FromEmailAddress: message.from.address,
    Destination: { ToAddresses: message.envelopeTo },
    Content: { Raw: { Data: new Base64(mime) } },
    EmailTags: emailTags(message),
    ConfigurationSetName: settings.configuration_set,
  }
}
