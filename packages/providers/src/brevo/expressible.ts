import { encodeWord } from 'nodemailer/lib/mime-funcs'
import { foldableSubject } from '../lib/mime-words.ts'
import type { Mailbox, OutboundMessage } from '../provider.ts'

const nameCharsMax = 70
// Of one encoded word: https://www.rfc-editor.org/rfc/rfc2047#section-2
const encodedWordCharsMax = 52

/** Orders to Brevo, not headers of the mail; `idempotencyKey` is ours to set. */
export const refusedHeader = /^(?:sender\.ip|idempotencykey|idempotency-key)$/

/** It guesses the type from these endings, and garbles what is not ASCII: https://developers.brevo.com/reference/sendtransacemail */
export const takenFilename =
  /^[\x20-\x7e]+\.(?:xlsx|xls|ods|docx|docm|doc|csv|pdf|txt|gif|jpg|jpeg|png|tif|tiff|rtf|bmp|cgm|css|shtml|html|htm|zip|xml|ppt|pptx|tar|ez|ics|mobi|msg|pub|eps|odt|mp3|m4a|m4v|wma|ogg|flac|wav|aif|aifc|aiff|mp4|mov|avi|mkv|mpeg|mpg|wmv|pkpass|xlsm)$/

// Sent as raw bytes when it holds more than ASCII, also where that was encoded or escaped before.
export const garbledHeader = /[^\x20-\x7e]|\\u|=\?.*\?=/

/** Characters dropped from From, To, Cc and Bcc beside a letter beyond ASCII, because they are not encoded. */
const specials = /[()<>[\]:;@\\,."]/

/** A name as Brevo shows it right. */
export function brevoName({ name }: Mailbox): string | undefined {
  return name && isGarbled(name) ? encodeWord(name, 'B', encodedWordCharsMax) : name || undefined
}

/** Finds what Brevo cannot express of this message; undefined if nothing. */
export function inexpressible(message: OutboundMessage): string | undefined {
  const { from, to, cc, bcc, replyTo, attachments, headers, subject } = message
  // Encoded words are garbled as those in headers are.
  if (foldableSubject(subject) !== subject) return 'a subject with a word that is longer than a line'
  if (replyTo.length > 1) return 'several addresses in Reply-To'
  if (replyTo.some(({ name }) => name !== undefined && isGarbled(name)))
    return 'a name in Reply-To with both punctuation and letters beyond ASCII'
  if (
    [from, ...to, ...cc, ...bcc, ...replyTo].some(
      (mailbox) => (brevoName(mailbox)?.length ?? 0) > nameCharsMax,
    )
  )
    return `a name longer than ${nameCharsMax} characters`
  if (attachments.some(({ disposition }) => disposition === 'inline')) return 'inline images'
  const file = attachments.find(({ filename }) => !takenFilename.test(filename.toLowerCase()))
  if (file) return `an attachment named ${file.filename}`
  const header = Object.entries(headers).find(
    ([name, value]) => refusedHeader.test(name.toLowerCase()) || garbledHeader.test(value),
  )
  return header && `the header ${header[0]}, or its value`
}

function isGarbled(name: string): boolean {
  return Buffer.byteLength(name) !== name.length && specials.test(name)
}
