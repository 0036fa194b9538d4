import { isUtf8 } from 'node:buffer'
import PostalMime from 'postal-mime'
import { decodeTransfer } from '../lib/transfer-encoding.ts'
import { toLine, withoutNul } from './clean-text.ts'
import { valuesOf } from './head.ts'
import type { Leaf } from './split-parts.ts'

const encodings = ['7bit', '8bit', 'binary', 'base64', 'quoted-printable'] as const
type Encoding = (typeof encodings)[number]

/** How the content of a part is written; undefined: in a way that is not known. */
export function encodingOf({ head }: Leaf): Encoding | undefined {
  const [value = '7bit'] = valuesOf(head, 'content-transfer-encoding')
  return encodings.find((encoding) => encoding === value.toLowerCase())
}

const charsetPattern = /;\s*charset\s*=\s*"?([^\s;"]+)/i
const decoders = new Map<string, TextDecoder | null>()

const charsetOf = ({ contentType }: Leaf): string => charsetPattern.exec(contentType)?.[1] ?? 'us-ascii'

/** For text that says its character set, or need not; null: nobody knows that one. */
export function decoderOf(leaf: Leaf): TextDecoder | null {
  const label = charsetOf(leaf).toLowerCase()
  const known = decoders.get(label)
  if (known !== undefined) return known
  try {
    const decoder = new TextDecoder(label)
    decoders.set(label, decoder)
    return decoder
  } catch {
    return null
  }
}

/** The bytes of a part. */
export function decodeBytes(raw: Buffer, leaf: Leaf): Buffer {
  return decodeTransfer(raw.subarray(leaf.head.bodyStart, leaf.end), encodingOf(leaf))
}

/** The text of a part that is shown. */
export function decodeText(raw: Buffer, leaf: Leaf): string {
  const bytes = decodeBytes(raw, leaf)
  const decoder = decoderOf(leaf)
  // Many programs write UTF-8, and say nothing or that it is ASCII.
  const isUnlabelled = /^us-ascii$/i.test(charsetOf(leaf)) && isUtf8(bytes)
  return withoutNul(decoder === null || isUnlabelled ? bytes.toString() : decoder.decode(bytes))
}

const filenameCharsMax = 255

const extensions: Record<string, string> = {
  'application/ics': '.ics',
  'application/pdf': '.pdf',
  'image/gif': '.gif',
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'text/calendar': '.ics',
  'text/html': '.html',
  'text/plain': '.txt',
}

/** The name of a file, or one made up of its place and type where it has none. */
export async function filenameOf(leaf: Leaf, position: number): Promise<string> {
  const [disposition = ''] = valuesOf(leaf.head, 'content-disposition')
  // Of parameters in several pieces or character sets, the parser makes one name.
  const fields = [
    `Content-Type: ${leaf.contentType.replace(/^[^;]*/, 'application/octet-stream')}`,
    `Content-Disposition: ${disposition.replace(/^[^;]*/, 'attachment')}`,
  ]
  const { attachments } = await PostalMime.parse(`${fields.join('\r\n')}\r\n\r\n\r\n`)
  const name = toLine(attachments[0]?.filename ?? '').slice(0, filenameCharsMax)
  return name === '' ? `part-${position + 1}${extensions[leaf.type] ?? '.bin'}` : name
}

/** The type of a file as APIs are given it: without its name, which they are given too. */
export function fileTypeOf({ type, contentType }: Leaf): string {
  const kept = contentType
    .split(';')
    .slice(1)
    .map((parameter) => parameter.trim())
    .filter((parameter) => /^(?:method|charset)\s*=/i.test(parameter))
  return [/^[a-z0-9.+-]+\/[a-z0-9.+-]+$/.test(type) ? type : 'application/octet-stream', ...kept].join('; ')
}
