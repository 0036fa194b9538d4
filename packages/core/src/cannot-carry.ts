import type { LoadedMessage } from '@lettergate/db/sql/load-claimed'
import type { Capabilities } from '@lettergate/providers/provider'

/** Base64 in lines of 76 characters. */
const ENCODED_RATIO = (4 / 3) * (78 / 76)

/**
 * Why a provider cannot carry a message as it is; null if it can, as far as is known without its attachments. For what only they
 * tell, the provider answers `provider-cannot-express`, and the next connection is tried.
 */
export function cannotCarry(
  message: Pick<LoadedMessage, 'document'>,
  contentBytes: number,
  capabilities: Capabilities,
): string | null {
  const { reply_to: replyTo = [], headers = {}, text = '', html = '' } = message.document
  const { textBytesMax } = capabilities
  if (textBytesMax !== undefined && Buffer.byteLength(text) + Buffer.byteLength(html) > textBytesMax)
    return `it takes ${textBytesMax} bytes of text and html`
  if (contentBytes * ENCODED_RATIO > capabilities.messageBytesMax)
    return `it takes ${capabilities.messageBytesMax} bytes`
  if (replyTo.length > capabilities.replyToMax)
    return `it takes ${capabilities.replyToMax} reply-to addresses`
  const { refusesHeader } = capabilities
  const refused = refusesHeader && Object.keys(headers).find((name) => refusesHeader.test(name.toLowerCase()))
  return refused === undefined ? null : `it cannot send the header ${refused}`
}
