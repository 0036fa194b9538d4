import { decodeLarge, LARGE_BYTES_MIN } from '../lib/encode-large.ts'
import type { MimeContent, OutboundAttachment } from '../provider.ts'
import { decodeBytes, decodeText, filenameOf, fileTypeOf } from './decode-part.ts'
import { readHead } from './head.ts'
import { sortParts } from './sort-parts.ts'
import { splitParts } from './split-parts.ts'

/** Decodes the parts of a mail that `readMime` found sayable; null: it is not. A large one is decoded by another thread. */
export async function decodeMime(raw: Buffer): Promise<MimeContent | null> {
  return raw.length < LARGE_BYTES_MIN ? await decodeMimeHere(raw) : await decodeLarge(raw)
}

/** The same, in this thread. */
export async function decodeMimeHere(raw: Buffer): Promise<MimeContent | null> {
  const head = readHead(raw)
  if ('problem' in head) return null
  const { text, html, files, lost } = sortParts(await splitParts(raw, head))
  if (lost !== null) return null
  const attachments: OutboundAttachment[] = []
  for (const [index, file] of files.entries()) {
    const bytes = decodeBytes(raw, file.leaf)
    // Shared, so that another thread can encode it without a copy.
    const content = Buffer.from(new SharedArrayBuffer(bytes.byteLength))
    content.set(bytes)
    const { leaf, disposition, contentId } = file
    const name = { filename: await filenameOf(leaf, index), contentType: fileTypeOf(leaf) }
    attachments.push({ ...name, disposition, content, ...(contentId !== undefined && { contentId }) })
  }
  return {
    ...(text && { text: decodeText(raw, text) }),
    ...(html && { html: decodeText(raw, html) }),
    attachments,
  }
}
