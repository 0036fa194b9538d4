import { setImmediate as turn } from 'node:timers/promises'
import { addressParser, decodeWords } from 'postal-mime'
import { toLine } from './clean-text.ts'
import { filenameOf, fileTypeOf } from './decode-part.ts'
import { type Head, type HeadField, readHead, valuesOf } from './head.ts'
import { withCrlfEnds } from './line-ends.ts'
import { sortParts } from './sort-parts.ts'
import { type Leaf, splitParts } from './split-parts.ts'

export type MimeMailbox = { name: string; address: string }

/** The facts about a mail that are read without decoding its parts. */
export type MimeFacts = {
  from: MimeMailbox[]
  to: MimeMailbox[]
  cc: MimeMailbox[]
  replyTo: MimeMailbox[]
  /** False: To or Cc is too long, or names a recipient in a way that cannot be read. */
  areRecipientsReadable: boolean
  subject: string
  messageId: string | null
  hasDate: boolean
  isAscii: boolean
  isHeadAscii: boolean
  /** Lower-case names of all header fields, in order. */
  names: string[]
  /** Fields that say something beside addresses, subject, identity and structure; decoded. */
  headers: [name: string, value: string][]
  /** Bytes of text and HTML, at most. Undefined: there is none. */
  textBytes?: number | undefined
  htmlBytes?: number | undefined
  attachments: {
    filename: string
    contentType: string
    disposition: 'attachment' | 'inline'
    bytes: number
  }[]
  /** The part of it that APIs without MIME cannot express; null: they can express all of it. */
  lost: string | null
}

/** `mail` is the mail to send, except for a missing Date and Message-ID. `problem` follows the words "the mail". */
export type ReadMime = { mail: Buffer; facts: MimeFacts } | { problem: string }

/** Recipients that no other recipient may see, and orders to us. */
const removed = /^(?:bcc|resent-bcc|x-lg-.*)$/
const once = ['from', 'sender', 'reply-to', 'to', 'cc', 'subject', 'date', 'message-id']
/** Expressed by separate fields, by structure, or written by the provider. */
const saidElsewhere =
  /^(?:from|reply-to|to|cc|subject|date|message-id|mime-version|content-.*|received|return-path)$/
const signature = /^(?:dkim-signature|domainkey-signature|arc-.*)$/

/** Reading this many characters of addresses takes 20 ms of a slow processor; then others get their turn. */
const addressCharsMax = 16 * 1024
const addressCharsAtOnce = 2 * 1024
/** File names are read one by one: this number takes a few milliseconds. */
const filesAtOnce = 10
const subjectCharsMax = 4_000
/** As many as a message of the API may have. */
const headersMax = 50

/** Cuts fields out of a mail; every other byte stays. */
export function takeOut(raw: Buffer, fields: readonly HeadField[]): Buffer {
  const kept: Buffer[] = []
  let from = 0
  for (const { start, end } of fields) {
    kept.push(raw.subarray(from, start))
    from = end
  }
  return fields.length === 0 ? raw : Buffer.concat([...kept, raw.subarray(from)])
}

type Addresses = { list: MimeMailbox[]; isReadable: boolean }

async function readAddresses(head: Head, name: string): Promise<Addresses> {
  const [value = ''] = valuesOf(head, name)
  if (value.length > addressCharsMax) return { list: [], isReadable: false }
  if (value.length > addressCharsAtOnce) await turn()
  const list = addressParser(value, { flatten: true }).flatMap((one) =>
    one.address === undefined ? [] : [{ name: toLine(one.name), address: one.address }],
  )
  return {
    list: list.filter(({ address }) => address !== ''),
    isReadable: list.every(({ address }) => address !== ''),
  }
}

function readHeaders(raw: Buffer, { fields }: Head): [string, string][] {
  return fields
    .filter(({ name }) => !saidElsewhere.test(name))
    .slice(0, headersMax + 1)
    .map(({ start, name, value }) => [
      raw.toString('latin1', start, start + name.length),
      toLine(decodeWords(value)),
    ])
}

function lostHeader({ fields }: Head, headers: readonly [string, string][]): string | null {
  const signed = fields.find(({ name }) => signature.test(name))
  if (signed) return `has a ${signed.name} field, which would be broken`
  if (headers.length > headersMax) return `has more than ${headersMax} header fields`
  const names = headers.map(([name]) => name.toLowerCase())
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined ? null : `has the field ${twice} twice`
}

/** Of a part's content, at most: base64 has 78 bytes for 57. */
function decodedBytes({ head, end }: Leaf): number {
  const bytes = end - head.bodyStart
  const [encoding = ''] = valuesOf(head, 'content-transfer-encoding')
  return encoding.toLowerCase() === 'base64' ? Math.ceil((bytes * 57) / 78) + 2 : bytes
}

function problemOf(head: Head): string | null {
  const repeated = once.find((name) => valuesOf(head, name).length > 1)
  if (repeated !== undefined) return `has two fields ${repeated}`
  return valuesOf(head, 'from').length === 0 ? 'has no From field' : null
}

/** Reads a mail as its client wrote it. Lets others run in between where it is large. */
export async function readMime(given: Buffer): Promise<ReadMime> {
  const { raw, isAscii } = await withCrlfEnds(given)
  const whole = readHead(raw)
  if ('problem' in whole) return whole
  const problem = problemOf(whole)
  if (problem) return { problem }
  const unwanted = whole.fields.filter(({ name }) => removed.test(name))
  const cut = takeOut(raw, unwanted)
  // A mail of header fields alone has an empty body, which begins behind an empty line all the same.
  const hasBody = whole.bodyStart < raw.length || raw.subarray(-4).toString('latin1') === '\r\n\r\n'
  const mail = hasBody ? cut : Buffer.concat([cut, Buffer.from('\r\n')])
  const head = unwanted.length === 0 && hasBody ? whole : readHead(mail)
  if ('problem' in head) return head
  return { mail, facts: await factsOf(mail, head, isAscii) }
}

async function factsOf(mail: Buffer, head: Head, isAscii: boolean): Promise<MimeFacts> {
  const { text, html, files, lost } = sortParts(await splitParts(mail, head))
  const to = await readAddresses(head, 'to')
  const cc = await readAddresses(head, 'cc')
  const headers = readHeaders(mail, head)
  const [messageId = null] = valuesOf(head, 'message-id')
  const attachments: MimeFacts['attachments'] = []
  for (const [index, { leaf, disposition }] of files.entries()) {
    const filename = await filenameOf(leaf, index)
    attachments.push({ filename, contentType: fileTypeOf(leaf), disposition, bytes: decodedBytes(leaf) })
    if (index % filesAtOnce === filesAtOnce - 1) await turn()
  }
  return {
    from: (await readAddresses(head, 'from')).list,
    to: to.list,
    cc: cc.list,
    replyTo: (await readAddresses(head, 'reply-to')).list,
    areRecipientsReadable: to.isReadable && cc.isReadable,
    subject: toLine(decodeWords((valuesOf(head, 'subject')[0] ?? '').slice(0, subjectCharsMax))),
    messageId,
    hasDate: valuesOf(head, 'date').length > 0,
    isAscii,
    isHeadAscii: isAscii || mail.subarray(0, head.bodyStart).every((byte) => byte < 0x80),
    names: head.fields.map(({ name }) => name),
    headers,
    textBytes: text && decodedBytes(text),
    htmlBytes: html && decodedBytes(html),
    attachments,
    lost: lost ?? lostHeader(head, headers),
  }
}

/** The fields that a mail lacks, as lines to put before it. */
export function missingFields(
  { hasDate, messageId }: Pick<MimeFacts, 'hasDate' | 'messageId'>,
  own: { date: Date; messageId: string },
): string {
  const date = hasDate ? '' : `Date: ${own.date.toUTCString().replace('GMT', '+0000')}\r\n`
  return messageId === null ? `${date}Message-ID: ${own.messageId}\r\n` : date
}
