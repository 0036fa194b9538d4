import { postJson } from '../lib/call-api.ts'
import { fitMetadata } from '../lib/fit-metadata.ts'
import { exchange } from '../lib/http.ts'
import { Latin1, toJsonBody } from '../lib/json-body.ts'
import { buildMime } from '../lib/mime.ts'
import type { Io, OutboundMessage, SendOutcome } from '../provider.ts'
import { type Connection, type Settings, subaccountOf } from './account.ts'
import { toOutcome } from './outcome.ts'

export const metadataBytesMax = 10_000

/** Hands the whole message to SparkPost as raw MIME. */
export async function sendBySparkpost(
  message: OutboundMessage,
  connection: Connection,
  io: Io,
): Promise<SendOutcome> {
  const mime = await buildMime(message)
  const json = await toJsonBody(toBody(message, mime, connection.settings), mime.length)
  return exchange(io, postJson(subaccountOf(connection), '/transmissions', json), (response, now) =>
    toOutcome(response, now, message.envelopeTo),
  )
}

/**
 * https://developers.sparkpost.com/api/transmissions/#transmissions-post-send-rfc822-content. The recipients alone decide
 * who gets the mail, and the header fields stay as they are in the MIME, so `header_to` and `CC` are not needed.
 */
function toBody(message: OutboundMessage, mime: Buffer, settings: Settings) {
  const [campaign, ...furtherTags] = message.tags
  const { raw, substitutions } = withoutTemplateCode(mime)
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
function withoutTemplateCode(mime: Buffer): { raw: Latin1; substitutions?: { lg_open: string } } {
  const end = mime.indexOf('\r\n\r\n')
  const head = mime.subarray(0, end).toString('latin1')
  if (!head.includes('{{')) return { raw: new Latin1(mime) }
  return {
    raw: new Latin1(Buffer.from(head.replaceAll('{{', '{{lg_open}}'), 'latin1'), mime.subarray(end)),
    substitutions: { lg_open: '{{' },
  }
}
