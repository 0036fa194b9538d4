import type { NewMessage, NewMime } from '@lettergate/contracts/messages/send-request'
import type { Capabilities } from '@lettergate/providers/provider'
import type { StoredMime } from '../lib/index.ts'

/** The facts that decide how a mail that its client wrote can be sent. */
export type CarriedMime = Pick<
  NewMime,
  'isAscii' | 'orders' | 'namesOthers' | 'textBytes' | 'htmlBytes' | 'lost'
> & {
  bytes: number
  /** Whether To or Cc names recipients that this call does not include: they were reached before, or follow. */
  isPart?: boolean
}

type MimeFault = { code: 'field-not-supported' | 'header-not-allowed' | 'payload-too-large'; detail: string }

export function mimeOfNew({ mime }: NewMessage): CarriedMime | undefined {
  return mime && { ...mime, bytes: mime.mail.length }
}

export function mimeOfStored(mime: StoredMime | undefined): CarriedMime | undefined {
  if (!mime) return undefined
  const { bytes, orders, lost } = mime
  return {
    bytes,
    orders,
    lost,
    isAscii: mime.beyond_ascii === undefined,
    namesOthers: mime.names_others,
    textBytes: mime.text_bytes,
    htmlBytes: mime.html_bytes,
  }
}

/** Why a provider cannot be handed this mail as it is; null: it can. */
export function rawFault(
  { rawMime, messageBytesMax, orders }: Capabilities,
  mime: CarriedMime,
): MimeFault | null {
  if (!rawMime) return { code: 'field-not-supported', detail: 'is MIME, which the provider does not take' }
  const { recipients, eightBit, bytesMax = messageBytesMax } = rawMime
  const order = mime.orders.find((name) => orders.some((start) => name.startsWith(start)))
  if (order !== undefined)
    return { code: 'header-not-allowed', detail: `has the field ${order}, which is an order to the provider` }
  if (recipients === 'headers' && (mime.namesOthers || mime.isPart)) return namesOthers
  if (!eightBit && !mime.isAscii)
    return {
      code: 'field-not-supported',
      detail: 'has bytes beyond ASCII, which would not arrive as they are',
    }
  if (mime.bytes > bytesMax)
    return {
      code: 'payload-too-large',
      detail: `is larger than the ${bytesMax} bytes that the provider takes`,
    }
  return null
}

/** Why no provider can say this mail by fields; null: some can. */
export function fieldsFault({ lost, namesOthers: othersToo }: CarriedMime): MimeFault | null {
  if (othersToo) return namesOthers
  if (lost === null) return null
  const detail = `${lost}, which the provider’s API cannot say; over SMTP it could`
  return { code: 'field-not-supported', detail }
}

const namesOthers: MimeFault = {
  code: 'field-not-supported',
  detail: 'names somebody in To or Cc who is no recipient, and the provider would send it to them too',
}
