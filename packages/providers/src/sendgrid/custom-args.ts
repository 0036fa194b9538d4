import type { OutboundMessage } from '../provider.ts'

/** Of all together: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations */
export const customArgsBytesMax = 10_000
/** Room for the number of keys that were left out. */
const reservedBytes = 40

/**
 * The data that comes back with every event, beside SendGrid's own keys: hence the prefixes. Metadata beyond
 * SendGrid's limit is not sent, except for the first keys that fit, and the number of the others is reported.
 */
export function toCustomArgs(
  { id, metadata }: OutboundMessage,
  furtherTags: string[],
): Record<string, string> {
  const args: Record<string, string> = { lg_id: id }
  if (furtherTags.length > 0) args.lg_tags = furtherTags.join(',')
  const entries = Object.entries(metadata)
  if (entries.length === 0) return args
  let bytes = Buffer.byteLength(JSON.stringify(args)) + reservedBytes
  let leftOut = 0
  for (const [key, value] of entries) {
    const name = customArgName(key)
    const more = Buffer.byteLength(JSON.stringify({ [name]: value }))
    if (bytes + more > customArgsBytesMax) {
      leftOut += 1
      continue
    }
    bytes += more
    args[name] = value
  }
  if (leftOut > 0) args.lg_left_out = String(leftOut)
  return args
}

/** Prefixes a key of the metadata, to distinguish it from SendGrid's own. */
export function customArgName(key: string): string {
  return `lg_m_${key}`
}
