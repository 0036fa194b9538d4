import { fitMetadata } from '../fit-metadata.ts'
import { exchange } from '../http.ts'
import { buildMime } from '../mime.ts'
import type { HttpRequest, Io, OutboundMessage, ProviderConnection, SendOutcome } from '../provider.ts'
import type { SparkpostCredentials, SparkpostSettings } from './index.ts'
import { toOutcome } from './outcome.ts'

export const metadataBytesMax = 10_000

type Connection = ProviderConnection<SparkpostCredentials, SparkpostSettings>

/** Hands the whole message to SparkPost as raw MIME. */
export async function sendBySparkpost(
  message: OutboundMessage,
  connection: Connection,
  endpoint: string,
  io: Io,
): Promise<SendOutcome> {
  const mime = await buildMime(message)
  return exchange(io, toRequest(message, mime, connection, endpoint), (response, now) =>
    toOutcome(message.envelopeTo, response, now),
  )
}

function toRequest(
  message: OutboundMessage,
  mime: Buffer,
  { credentials, settings }: Connection,
  endpoint: string,
): HttpRequest {
  const headers = {
    Authorization: credentials.api_key.reveal(),
    'Content-Type': 'application/json',
    'User-Agent': 'Lettergate',
    ...(settings.subaccount !== undefined && { 'X-MSYS-SUBACCOUNT': String(settings.subaccount) }),
  }
  const body = JSON.stringify(toBody(message, mime, settings))
  return { method: 'POST', url: `${endpoint}/api/v1/transmissions`, headers, body }
}

/**
 * https://developers.sparkpost.com/api/transmissions/#transmissions-post-send-rfc822-content. The recipients alone decide
 * who gets the mail, and the header fields stay as they are in the MIME, so `header_to` and `CC` are not needed.
 */
function toBody(message: OutboundMessage, mime: Buffer, settings: SparkpostSettings) {
  const [campaign, ...furtherTags] = message.tags
  const { raw, substitutions } = withoutTemplateCode(mime.toString('latin1'))
  return {
    options: {
      // Otherwise List-Unsubscribe is replaced by SparkPost's: https://github.com/SparkPost/python-sparkpost/issues/163
      transactional: true,
      perform_substitutions: false,
      open_tracking: settings.open_tracking,
      click_tracking: settings.click_tracking,
      ip_pool: settings.ip_pool,
    },
    campaign_id: campaign,
    metadata: fitMetadata(message, furtherTags, { bytesMax: metadataBytesMax, toJson: JSON.stringify }),
    substitution_data: substitutions,
    recipients: message.envelopeTo.map((email) => ({ address: { email } })),
    content: { email_rfc822: raw },
  }
}

/** Header fields pass the template engine even where it is switched off, so that `{{` there must come out of a variable. */
function withoutTemplateCode(mime: string): { raw: string; substitutions?: { lg_open: string } } {
  const end = mime.indexOf('\r\n\r\n')
  const head = mime.slice(0, end)
  if (!head.includes('{{')) return { raw: mime }
  return {
    raw: head.replaceAll('{{', '{{lg_open}}') + mime.slice(end),
    substitutions: { lg_open: '{{' },
  }
}
