import { fitMetadata, type MetadataLimit } from '../lib/fit-metadata.ts'
import type { OutboundMessage } from '../provider.ts'

/** Of all together: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations */
const bytesMax = 10_000

/** The data that comes back with every event, beside SendGrid's own keys: hence the prefix. */
export function toCustomArgs(
  message: OutboundMessage,
  furtherTags: readonly string[],
  writing: Pick<MetadataLimit, 'toJson' | 'entryBytesMax'> = { toJson: JSON.stringify },
): Record<string, string> {
  return fitMetadata(message, furtherTags, { ...writing, bytesMax, keyOf: (key) => `lg_m_${key}` })
}
