import type { SendEmailCommandInput } from '@aws-sdk/client-sesv2'
import { exchange } from '../lib/http.ts'
import { Base64, hashBody, toJsonBody } from '../lib/json-body.ts'
import { buildMime } from '../lib/mime.ts'
import { toFailure } from '../lib/to-failure.ts'
import { tellUnverified } from '../lib/unverified.ts'
import type { Io, OutboundMessage, SendOutcome } from '../provider.ts'
import type { SesConnection, SesSettings } from './account.ts'
import { sesEndpoint } from './endpoint.ts'
import type { Identities } from './identity.ts'
import { toOutcome } from './outcome.ts'
import { signPost } from './sign.ts'
import { emailTags } from './tags.ts'

/**
 * Hands the whole message to SES as raw MIME. The JSON is our own, since the SDK's pipeline costs several times the signature
 * (docs/decisions/0003); its types hold the fields.
 */
export async function sendBySes(
  message: OutboundMessage,
  connection: SesConnection,
  identities: Identities,
  io: Io,
): Promise<SendOutcome> {
  const { settings } = connection
  const identity = await identities.of(connection, io)
  if (identity.kind === 'failed') return toFailure(identity.code, identity.reason)
  const mime = await buildMime(message)
  const url = new URL(`${sesEndpoint(settings)}/v2/email/outbound-emails`)
  const body = await toJsonBody(toBody(message, mime, settings), mime.length)
  const bodyHash = await hashBody(body)
  const headers = await signPost({ url, bodyHash }, identity.keys, settings, io.now())
  const outcome = await exchange(io, { method: 'POST', url: url.href, headers, body }, toOutcome)
  return tellUnverified(outcome, message.from.address)
}

/** The SDK's input as it is sent: bytes are base64 in JSON. */
type SendEmailBody = Omit<SendEmailCommandInput, 'Content'> & { Content: { Raw: { Data: Base64 } } }

// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html: the destination alone decides who gets
// the mail, so Bcc needs no header, and all addresses may be in one list.
function toBody(message: OutboundMessage, mime: Buffer, settings: SesSettings): SendEmailBody {
  return {
    FromEmailAddress: message.from.address,
    Destination: { ToAddresses: message.envelopeTo },
    Content: { Raw: { Data: new Base64(mime) } },
    EmailTags: emailTags(message),
    ConfigurationSetName: settings.configuration_set,
    EndpointId: settings.endpoint_id,
  }
}
