import { isUtf8 } from 'node:buffer'

/** Larger ones are attacks or mistakes; servers on the way refuse most of them. */
export const headBytesMax = 256 * 1024
const fieldsMax = 1_000

/** How much is taken of a mail that breaks the rules of mail. */
export type ReadRules = {
  lineCharsMax: number
  /** True: lines of the header block that are neither a field nor a continuation are skipped, and NUL is taken. */
  isLenient: boolean
  depthMax: number
  partsMax: number
  /** Bytes to look through, as a multiple of the mail: each container may hold nearly all of the one around it. */
  scannedRatioMax: number
}

/** For mail that is sent through us: mail programs nest three containers, and their header lines are short. */
export const strictRules: ReadRules = {
  // https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1
  lineCharsMax: 998,
  isLenient: false,
  depthMax: 6,
  partsMax: 200,
  scannedRatioMax: 3,
}

/** For mail that others wrote and that is there already: as much of it as can be read in bounded time. */
export const lenientRules: ReadRules = {
  lineCharsMax: headBytesMax,
  isLenient: true,
  depthMax: 20,
  partsMax: 1_000,
  scannedRatioMax: 20,
}

/** One header field. `start` and `end` span all its lines, line breaks included; `value` is unfolded. */
export type HeadField = { name: string; start: number; end: number; value: string }

export type Head = {
  fields: HeadField[]
  /** Where the body begins. */
  bodyStart: number
}

const fieldStart = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:/

/** The header block of a mail, or of one part of it, whose lines end in CRLF; `problem` says why it cannot be read. */
export function readHead(
  raw: Buffer,
  from = 0,
  to = raw.length,
  { lineCharsMax, isLenient }: Pick<ReadRules, 'lineCharsMax' | 'isLenient'> = strictRules,
): Head | { problem: string } {
  const block = raw.subarray(from, Math.min(to, from + headBytesMax))
  const isEmpty = block[0] === 0x0d && block[1] === 0x0a
  const blank = isEmpty ? 0 : block.indexOf('\r\n\r\n')
  if (blank < 0 && block.length < to - from)
    return { problem: `has a header block of more than ${headBytesMax} bytes` }
  const text = block.toString('latin1', 0, isEmpty ? 0 : blank < 0 ? block.length : blank + 2)
  if (!isLenient && text.includes('\0')) return { problem: 'has a NUL character in its header block' }
  const fields: HeadField[] = []
  let current: HeadField | undefined
  for (let start = 0; start < text.length; ) {
    const lineEnd = text.indexOf('\r\n', start)
    const end = lineEnd < 0 ? text.length : lineEnd
    if (end - start > lineCharsMax)
      return { problem: `has a header line of more than ${lineCharsMax} characters` }
    const next = lineEnd < 0 ? end : lineEnd + 2
    const first = text.charCodeAt(start)
    if (first === 0x20 || first === 0x09) {
      if (!current && !isLenient) return { problem: 'begins with a continuation line' }
      if (current) current.end = from + next
    } else {
      const [whole, name] = fieldStart.exec(text.slice(start, end)) ?? []
      if (whole === undefined || name === undefined) {
        if (!isLenient) return { problem: 'has a header line that is neither a field nor a continuation' }
        current = undefined
        start = next
        continue
      }
      current = { name: name.toLowerCase(), start: from + start, end: from + next, value: '' }
      if (fields.push(current) > fieldsMax) return { problem: `has more than ${fieldsMax} header fields` }
    }
    start = next
  }
  for (const field of fields) field.value = unfoldedValue(raw, field)
  const bodyStart = from + (isEmpty ? 2 : blank < 0 ? block.length : blank + 4)
  return { fields, bodyStart }
}

/** Without the name, unfolded; raw bytes beyond ASCII are UTF-8 (RFC 6532), or Latin-1 where they are not. */
function unfoldedValue(raw: Buffer, { start, end }: HeadField): string {
  const bytes = raw.subarray(start, end)
  const text = isUtf8(bytes) ? bytes.toString() : bytes.toString('latin1')
  return text
    .slice(text.indexOf(':') + 1)
    .replaceAll('\r\n', '')
    .trim()
}

/** All values of a field, by its lower-case name. */
export function valuesOf({ fields }: Pick<Head, 'fields'>, name: string): string[] {
  return fields.filter((field) => field.name === name).map(({ value }) => value)
}
