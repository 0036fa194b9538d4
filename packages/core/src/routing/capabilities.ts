import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import type { ProblemCode } from '@lettergate/contracts/problems/problems'
import { toPointer } from '@lettergate/contracts/problems/validation-issues'
import { alternativeOf } from '@lettergate/providers/lib/alternatives'
import type { Capabilities } from '@lettergate/providers/provider'
import { type ContentDocument, type Envelope, toWireHeaders } from '../lib/index.ts'
import { cannotKeepForm, type Form, formOfNew, formOfStored } from './message-form.ts'
import { type CarriedMime, fieldsFault, mimeOfNew, mimeOfStored, rawFault } from './mime-form.ts'

/** The properties of a message that decide whether a provider can express it exactly. */
export type Carried = {
  replyTo: readonly unknown[]
  /** As a provider gets them. */
  headers: Readonly<Record<string, string>>
  attachments: readonly AttachmentFacts[]
  text?: string | undefined
  html?: string | undefined
  form: Form
  /** Set where the client wrote the whole mail; text and html are undefined then. */
  mime?: CarriedMime | undefined
}

type AttachmentFacts = NonNullable<Envelope['attachments']>[number]

export function attachmentFacts({
  attachments,
  mime,
}: Pick<NewMessage, 'attachments' | 'mime'>): AttachmentFacts[] {
  if (mime) return mime.attachments
  return attachments.map(({ filename, disposition, content, contentType }) => ({
    filename,
    disposition,
    contentType,
    bytes: content.length,
  }))
}

/** A message as it came. */
export function carriedOfNew(message: NewMessage): Carried {
  const { replyTo, headers, text, html } = message
  return {
    replyTo,
    headers: toWireHeaders(headers),
    text,
    html,
    attachments: attachmentFacts(message),
    form: formOfNew(message),
    mime: mimeOfNew(message),
  }
}

/** The same message as a provider gets it. */
export function carriedOfStored(document: ContentDocument): Carried {
  const { reply_to = [], headers = {}, ...rest } = document
  return {
    replyTo: reply_to,
    headers: toWireHeaders(headers),
    text: rest.text,
    html: rest.html,
    attachments: rest.envelope?.attachments ?? [],
    form: formOfStored(document),
    mime: mimeOfStored(document.mime),
  }
}

/** `pointer` starts at the message; '' is the whole of it. `detail` fits behind the pointer, and names no provider. */
export type Incompatibility = {
  code: Extract<
    ProblemCode,
    | 'field-not-supported'
    | 'header-not-allowed'
    | 'payload-too-large'
    | 'sender-not-allowed'
    | 'provider-required'
  >
  pointer: string
  detail: string
}

/** Base64 in lines of 76 characters. */
const ENCODED_RATIO = (4 / 3) * (78 / 76)

/** Text, html and the other forms of the message, which go where they go. */
function textBytes({ text = '', html = '', attachments, mime }: Omit<Carried, 'form'>): number {
  let bytes = mime
    ? (mime.textBytes ?? 0) + (mime.htmlBytes ?? 0)
    : Buffer.byteLength(text) + Buffer.byteLength(html)
  for (const attachment of attachments) if (isForm(attachment)) bytes += attachment.bytes
  return bytes
}

function isForm({ contentType }: AttachmentFacts): boolean {
  return contentType !== undefined && alternativeOf(contentType) !== undefined
}

/** Bytes on the wire that are sure: texts are counted as they are, since how a provider encodes them is its own affair. */
export function encodedBytes(message: Carried): number {
  let bytes = textBytes(message)
  for (const attachment of message.attachments) bytes += Math.ceil(attachment.bytes * ENCODED_RATIO)
  return bytes
}

/** Whether a message has anything of which providers differ; most have nothing, and need no look at the connections. */
export function asksMore(message: Carried): boolean {
  const { replyTo, attachments, headers, form, mime } = message
  if (mime) return true
  if (replyTo.length > 1 || attachments.length > 0 || Object.keys(headers).length > 0) return true
  return !form.hasSubject || form.quotedFields.length > 0
}

/**
 * Finds the first part of a message that these capabilities cannot carry exactly; null if they carry all. Ignores the number of recipients: a
 * message may be sent in several calls.
 */
export function cannotCarry(capabilities: Capabilities, message: Carried): Incompatibility | null {
  if (!message.mime) return cannotSay(capabilities, message)
  const raw = rawFault(capabilities, message.mime)
  if (!raw) {
    const shape = cannotKeepForm({ ...capabilities, needsSubject: false, needsBody: false }, message)
    return shape && { code: 'field-not-supported', pointer: toPointer(shape.path), detail: shape.detail }
  }
  const unsaid = fieldsFault(message.mime)
  if (unsaid) return { pointer: toPointer(['mime']), ...(capabilities.rawMime ? raw : unsaid) }
  return cannotSay(capabilities, message)
}

/** Whether a mail that its client wrote is sent to this provider unchanged; else it is sent as fields. */
export function goesRaw(capabilities: Capabilities, { mime }: Pick<Carried, 'mime'>): boolean {
  return mime !== undefined && rawFault(capabilities, mime) === null
}

/** The fields of a message that a provider cannot express. */
function cannotSay(capabilities: Capabilities, message: Carried): Incompatibility | null {
  const { replyToMax, refusesHeader, garblesHeader, messageBytesMax, textBytesMax } = capabilities
  const unsupported = (path: (string | number)[], detail: string): Incompatibility => ({
    code: 'field-not-supported',
    pointer: toPointer(path),
    detail,
  })
  const shape = cannotKeepForm(capabilities, message)
  if (shape) return unsupported(shape.path, shape.detail)
  if (message.replyTo.length > replyToMax)
    return unsupported(
      ['reply_to'],
      `has ${message.replyTo.length} addresses; at most ${replyToMax} are possible`,
    )
  const header =
    refusesHeader && Object.keys(message.headers).find((name) => refusesHeader.test(name.toLowerCase()))
  if (header !== undefined) {
    const pointer = toPointer(['headers', header])
    return { code: 'header-not-allowed', pointer, detail: 'is a header that cannot be given to the provider' }
  }
  const garbled =
    garblesHeader && Object.entries(message.headers).find(([, value]) => garblesHeader.test(value))
  if (garbled)
    return unsupported(['headers', garbled[0]], 'has a value that the provider would not show as it is')
  const { inlineImages, takesFilename, takesContentType } = capabilities
  for (const [index, { filename, disposition, contentType }] of message.attachments.entries()) {
    if (!inlineImages && disposition === 'inline')
      return unsupported(['attachments', index, 'disposition'], 'inline cannot be shown by the provider')
    if (takesFilename && !takesFilename.test(filename.toLowerCase()))
      return unsupported(['attachments', index, 'filename'], 'is a file name that the provider does not take')
    if (contentType !== undefined && takesContentType && !takesContentType.test(contentType))
      return unsupported(['attachments', index, 'content_type'], 'is a type that the provider does not take')
  }
  if (textBytesMax !== undefined && textBytes(message) > textBytesMax) {
    const detail = `has more of text and html than the ${textBytesMax} bytes that the provider takes`
    return { code: 'payload-too-large', pointer: '', detail }
  }
  if (encodedBytes(message) > messageBytesMax) {
    const detail = `is larger, once it is encoded, than the ${messageBytesMax} bytes that the provider takes`
    return { code: 'payload-too-large', pointer: '', detail }
  }
  return null
}
