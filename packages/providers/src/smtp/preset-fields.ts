import { correlationHeaders } from '../brevo/correlation.ts'
import { toAsciiJson } from '../lib/ascii-json.ts'
import { fitMetadata } from '../lib/fit-metadata.ts'
import { toTags } from '../mailgun/send.ts'
import { correlationFields } from '../mandrill/correlation.ts'
import { toMetadata } from '../postmark/metadata.ts'
import type { OutboundMessage } from '../provider.ts'
import { toCustomArgs } from '../sendgrid/custom-args.ts'
import { categoriesMax } from '../sendgrid/send.ts'
import { emailTags } from '../ses/tags.ts'
import { metadataBytesMax } from '../sparkpost/send.ts'
import { type Field, jsonField } from './header-fields.ts'

/** Header fields that a provider reads: the data that its API accepts beside the mail and returns with its events. */
export type ToFields = (message: OutboundMessage) => Field[]

/** JSON is folded only between entries, and a line holds 998 characters: https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1 */
const inHeader = { toJson: toAsciiJson, entryBytesMax: 900 }

/** Metadata is the tenant's own, and goes only where the provider says that it takes the field out of the mail, as SendGrid does. */
const withoutMetadata = (message: OutboundMessage): OutboundMessage => ({ ...message, metadata: {} })

/** https://docs.aws.amazon.com/ses/latest/dg/event-publishing-send-email.html */
export const sesFields: ToFields = (message) => {
  const tags = emailTags(message).map(({ Name, Value }) => `${Name}=${Value}`)
  return [['X-SES-MESSAGE-TAGS', tags.join(', ')]]
}

/** https://www.twilio.com/docs/sendgrid/for-developers/sending-email/building-an-x-smtpapi-header */
export const sendgridFields: ToFields = (message) => {
  const category = message.tags.slice(0, categoriesMax)
  const unique_args = toCustomArgs(message, message.tags.slice(categoriesMax), inHeader)
  return [jsonField('X-SMTPAPI', { unique_args, ...(category.length > 0 && { category }) })]
}

/**
 * The tags alone: recipients see variables (X-Mailgun-Variables), and the id is in the mail already, as `X-LG-Id`.
 * https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/pass-sending-options
 */
export const mailgunFields: ToFields = ({ tags }) => toTags(tags).map((tag) => ['X-Mailgun-Tag', tag])

/** https://mailchimp.com/developer/transactional/docs/smtp-integration/#customize-messages-with-headers */
export const mandrillFields: ToFields = (message) =>
  correlationFields(message, false).map(([name, value]) => [`X-MC-${name}`, value])

/** https://developers.sparkpost.com/api/smtp/ */
export const sparkpostFields: ToFields = (message) => {
  const [campaign_id, ...furtherTags] = message.tags
  const metadata = fitMetadata(withoutMetadata(message), furtherTags, {
    ...inHeader,
    bytesMax: metadataBytesMax,
  })
  return [jsonField('X-MSYS-API', { campaign_id, metadata })]
}

/** https://postmarkapp.com/developer/user-guide/send-email-with-smtp */
export const postmarkFields: ToFields = (message) => {
  const [tag] = message.tags
  const metadata = Object.entries(toMetadata(withoutMetadata(message)))
  return [
    ...(tag === undefined ? [] : [['X-PM-Tag', tag] as const]),
    ...metadata.map(([key, value]): Field => [`X-PM-Metadata-${key}`, value]),
  ]
}

/** https://resend.com/docs/send-with-smtp. It does not mention tags. */
export const resendFields: ToFields = ({ attemptKey }) => [['Resend-Idempotency-Key', attemptKey]]

/** Only the first tag: several are not documented. */
export const brevoFields: ToFields = (message) => [
  ...Object.entries(correlationHeaders(withoutMetadata(message))),
  ...message.tags.slice(0, 1).map((tag): Field => ['X-Mailin-Tag', tag]),
]
