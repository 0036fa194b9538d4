import aws4 from 'aws4'
import { exchange } from '../http.ts'
import { buildMime } from '../mime.ts'
import type { HttpRequest, Io, OutboundMessage, ProviderConnection, SendOutcome } from '../provider.ts'
import type { SesCredentials, SesSettings } from './index.ts'
import { toOutcome } from './outcome.ts'

const sendPath = '/v2/email/outbound-emails'
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html
const tagCharsMax = 256
const tagsMax = 49

type Connection = ProviderConnection<SesCredentials, SesSettings>

/** Hands the whole message to SES as raw MIME. */
export async function sendBySes(
  message: OutboundMessage,
  connection: Connection,
  endpoint: string,
  io: Io,
): Promise<SendOutcome> {
  const mime = await buildMime(message)
  return exchange(io, toRequest(message, mime, connection, endpoint, io.now()), toOutcome)
}

/** The signed request for one message. */
function toRequest(
  message: OutboundMessage,
  mime: Buffer,
  { credentials, settings }: Connection,
  endpoint: string,
  now: Date,
): HttpRequest {
  const url = new URL(endpoint + sendPath)
  const body = JSON.stringify(toBody(message, mime, settings))
  const signed = aws4.sign(
    {
      host: url.host,
      path: url.pathname,
      method: 'POST',
      service: 'ses',
      region: settings.region,
      headers: { 'Content-Type': 'application/json', 'X-Amz-Date': amzDate(now) },
      body,
    },
    {
      accessKeyId: credentials.access_key_id.reveal(),
      secretAccessKey: credentials.secret_access_key.reveal(),
      ...(credentials.session_token && { sessionToken: credentials.session_token.reveal() }),
    },
  )
  const headers = Object.fromEntries(
    Object.entries(signed.headers ?? {}).map(([name, value]) => [name, String(value)]),
  )
  return { method: 'POST', url: url.href, headers, body }
}

// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html: the destination alone decides who gets
// the mail, so Bcc needs no header, and all addresses may stand in one list.
function toBody(message: OutboundMessage, mime: Buffer, settings: SesSettings) {
  return {
    FromEmailAddress: message.from.address,
    Destination: { ToAddresses: message.envelopeTo },
    Content: { Raw: { Data: mime.toString('base64') } },
    EmailTags: [
      { Name: 'lg_id', Value: fold(message.id) },
      ...message.tags.slice(0, tagsMax).map((tag, at) => ({ Name: `lg_tag_${at + 1}`, Value: fold(tag) })),
    ],
    ConfigurationSetName: settings.configuration_set,
  }
}

function fold(value: string): string {
  return value.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, tagCharsMax)
}

function amzDate(now: Date): string {
  return now.toISOString().replace(/[:-]|\.\d{3}/g, '')
}
