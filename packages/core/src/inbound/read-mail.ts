import { toLine } from '@lettergate/providers/raw-mime/clean-text'
import { decodeText, encodingOf, filenameOf, fileTypeOf } from '@lettergate/providers/raw-mime/decode-part'
import { type Head, lenientRules, readHead, valuesOf } from '@lettergate/providers/raw-mime/head'
import type { MimeMailbox } from '@lettergate/providers/raw-mime/read-mime'
import { isShown, toFile } from '@lettergate/providers/raw-mime/sort-parts'
import { type Leaf, splitParts } from '@lettergate/providers/raw-mime/split-parts'
import { addressParser, decodeWords } from 'postal-mime'
import { emptyMail, type ReceivedMail, type StoredFile } from './content.ts'
import { stripReply } from './strip-reply.ts'

type ReadMail = { mail: ReceivedMail; problem: string | null }

const TEXT_CHARS_MAX = 1024 * 1024
const ADDRESS_CHARS_MAX = 16 * 1024
const HEADERS_MAX = 300
const HEADER_CHARS_MAX = 8 * 1024
const REFERENCES_MAX = 50
const FILES_MAX = 500

const firstOf = (head: Head, name: string): string =>
  (valuesOf(head, name)[0] ?? '').slice(0, HEADER_CHARS_MAX)
const orNull = (text: string): string | null => (text === '' ? null : text)

function addressesOf(head: Head, name: string): MimeMailbox[] {
  const value = valuesOf(head, name)[0] ?? ''
  if (value.length > ADDRESS_CHARS_MAX) return []
  return addressParser(value, { flatten: true }).flatMap(({ name: shown, address }) =>
    address === undefined || address === '' ? [] : [{ name: toLine(shown), address: toLine(address) }],
  )
}

function headersOf(raw: Buffer, { fields }: Head): [string, string][] {
  return fields
    .slice(0, HEADERS_MAX)
    .map(({ start, name, value }) => [
      raw.toString('latin1', start, start + name.length),
      toLine(decodeWords(value.slice(0, HEADER_CHARS_MAX))),
    ])
}

function shownText(raw: Buffer, leaves: readonly Leaf[], type: string): string | null {
  const shown = leaves.filter((leaf) => leaf.type === type && isShown(leaf))
  if (shown.length === 0) return null
  return shown
    .map((leaf) => decodeText(raw, leaf))
    .join('\n')
    .slice(0, TEXT_CHARS_MAX)
    .toWellFormed()
}

async function filesOf(leaves: readonly Leaf[]): Promise<StoredFile[]> {
  const files: StoredFile[] = []
  for (const leaf of leaves.filter((one) => !isShown(one)).slice(0, FILES_MAX)) {
    const { disposition, contentId } = toFile(leaf)
    const start = Math.min(leaf.head.bodyStart, leaf.end)
    const encoding = encodingOf(leaf) ?? '7bit'
    const size = leaf.end - start
    files.push({
      filename: await filenameOf(leaf, files.length),
      content_type: fileTypeOf(leaf),
      disposition,
      content_id: contentId ?? null,
      start,
      end: leaf.end,
      encoding,
      // Base64 has 78 bytes for 57.
      bytes: encoding === 'base64' ? Math.floor((size * 57) / 78) : size,
    })
  }
  return files
}

const idsIn = (value: string): string[] => value.match(/<[^<>\s]{1,998}>/g) ?? []

function factsOf(raw: Buffer, head: Head): ReceivedMail {
  return {
    ...emptyMail(),
    subject: toLine(decodeWords(firstOf(head, 'subject'))),
    from: addressesOf(head, 'from'),
    to: addressesOf(head, 'to'),
    cc: addressesOf(head, 'cc'),
    reply_to: addressesOf(head, 'reply-to'),
    date: orNull(toLine(firstOf(head, 'date'))),
    message_id: orNull(toLine(firstOf(head, 'message-id'))),
    in_reply_to: idsIn(firstOf(head, 'in-reply-to'))[0] ?? null,
    references: idsIn(firstOf(head, 'references')).slice(0, REFERENCES_MAX),
    headers: headersOf(raw, head),
  }
}

const tooLong = (head: Head): string | null => {
  const name = ['from', 'to', 'cc', 'reply-to'].find(
    (one) => (valuesOf(head, one)[0] ?? '').length > ADDRESS_CHARS_MAX,
  )
  return name === undefined ? null : `has more addresses in ${name} than are read`
}

/**
 * Reads a mail that came in, as far as it can be read; `problem` says why not further, and follows the words "the mail". It takes a time that
 * grows with its size and no more; files stay where they are in the mail.
 */
export async function readMail(raw: Buffer): Promise<ReadMail> {
  const head = readHead(raw, 0, raw.length, lenientRules)
  if ('problem' in head) return { mail: emptyMail(), problem: head.problem }
  const mail = factsOf(raw, head)
  const { leaves, problem } = await splitParts(raw, head, lenientRules)
  mail.text = shownText(raw, leaves, 'text/plain')
  mail.html = shownText(raw, leaves, 'text/html')
  mail.stripped_text = mail.text === null ? null : stripReply(mail.text)
  mail.attachments = await filesOf(leaves)
  return { mail, problem: problem ?? tooLong(head) }
}
