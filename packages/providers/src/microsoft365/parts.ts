import { alternativeOf } from '../lib/alternatives.ts'
import { buildPendingMime } from '../lib/mime-pending.ts'
import type { OutboundAttachment, OutboundMessage } from '../provider.ts'

/** A request to Graph holds 4 MB, and takes MIME in base64. */
export const mimeBytesMax = 3 * 1000 * 1000
/** Base64 in lines of 76 characters, and room for the headers of a part. */
const encodedBytes = ({ content }: OutboundAttachment) =>
  Math.ceil((content.length * 4 * 78) / (3 * 76)) + 500

export type Parts = {
  /** The mail, except for the files that follow it. */
  mime: Buffer
  /** In the order of the message. */
  apart: OutboundAttachment[]
}

/**
 * Divides a message that one request cannot hold: everything but files goes into the MIME of the draft, since it alone can say all
 * headers and both texts; of the files the largest follow it, so that the requests are few.
 */
export async function toParts(message: OutboundMessage): Promise<Parts> {
  // Forms of the message are none that may follow it.
  const bySize = message.attachments
    .filter(({ contentType }) => alternativeOf(contentType) === undefined)
    .toSorted((one, other) => other.content.length - one.content.length)
  const apart = new Set<OutboundAttachment>()
  let excess = bySize.reduce((sum, file) => sum + encodedBytes(file), 0) - mimeBytesMax
  for (;;) {
    while (excess > 0) {
      const largest = bySize.shift()
      if (!largest) break
      apart.add(largest)
      excess -= encodedBytes(largest)
    }
    const attachments = message.attachments.filter((file) => !apart.has(file))
    const mime = await buildPendingMime({ ...message, attachments })
    excess = mime.length - mimeBytesMax
    if (excess <= 0 || bySize.length === 0)
      return { mime, apart: message.attachments.filter((file) => apart.has(file)) }
  }
}
