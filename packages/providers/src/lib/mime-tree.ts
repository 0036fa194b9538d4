import { decodeTransfer } from './transfer-encoding.ts'

/** Bounds of a mail from outside: what lies beyond them is not read. */
const bytesMax = 512 * 1024
const headBytesMax = 64 * 1024
const fieldsMax = 500
const fieldCharsMax = 4_096
const partsMax = 20
const depthMax = 4

/** Fields of a head or of a report, by lower-case name; every value on one line. */
export type MailFields = ReadonlyMap<string, readonly string[]>

/** A part without parts of its own; `body` holds a byte in each character. */
export type MailPart = { type: string; fields: MailFields; body: string }

/** The head of a mail, and its parts in their order; a mail in a mail is one part. */
export type Mail = {
  type: string
  parameters: ReadonlyMap<string, string>
  fields: MailFields
  parts: MailPart[]
}

/**
 * Takes a mail apart (RFC 2045, 2046), in time that grows with its length alone. It reads whatever a mail server sends back; `raw-mime`
 * reads a client's mail, which it refuses where two readers could see two things.
 */
export function readMail(raw: Buffer): Mail {
  const { fields, body } = splitHead(raw.toString('latin1', 0, bytesMax))
  const content = readContentType(fields)
  const parts: MailPart[] = []
  collect(fields, body, 0, parts)
  return { ...content, fields, parts }
}

function collect(fields: MailFields, body: string, depth: number, parts: MailPart[]): void {
  const { type, parameters } = readContentType(fields)
  const boundary = parameters.get('boundary')
  if (type.startsWith('multipart/') && boundary && depth < depthMax) {
    for (const inner of splitParts(body, boundary)) {
      if (parts.length >= partsMax) return
      const { fields: own, body: text } = splitHead(inner)
      collect(own, text, depth + 1, parts)
    }
  } else if (parts.length < partsMax) {
    parts.push({ type, fields, body: decodePart(body, fields) })
  }
}

function decodePart(body: string, fields: MailFields): string {
  const encoding = fieldOf(fields, 'content-transfer-encoding').trim().toLowerCase()
  return decodeTransfer(Buffer.from(body, 'latin1'), encoding).toString('latin1')
}

/** The text between the lines of a boundary; the last part may lack its end. */
function splitParts(body: string, boundary: string): string[] {
  const mark = `\n--${boundary}`
  const text = `\n${body}`
  const found: string[] = []
  for (let at = text.indexOf(mark); at >= 0 && found.length <= partsMax; ) {
    const start = at + mark.length
    if (text.startsWith('--', start)) break
    const next = text.indexOf(mark, start)
    const lineEnd = text.indexOf('\n', start)
    const end = next < 0 ? text.length : next
    if (lineEnd >= 0 && lineEnd < end) found.push(text.slice(lineEnd + 1, end))
    else found.push('')
    at = next
  }
  return found
}

/** Head and body; without an empty line, all of it is head. */
export function splitHead(text: string): { fields: MailFields; body: string } {
  if (/^\r?\n/.test(text)) return { fields: new Map(), body: text.slice(text.indexOf('\n') + 1) }
  const ends = [text.indexOf('\n\n'), text.indexOf('\n\r\n')].filter((at) => at >= 0)
  const end = ends.length > 0 ? Math.min(...ends) : text.length
  const bodyStart = text.indexOf('\n', end + 1)
  return {
    fields: readFields(text.slice(0, Math.min(end, headBytesMax))),
    body: bodyStart < 0 ? '' : text.slice(bodyStart + 1),
  }
}

/** `Name: value` lines, folded ones joined; what is none is left out. */
export function readFields(text: string): MailFields {
  const fields = new Map<string, string[]>()
  let current: string[] | undefined
  for (const line of text.split('\n', 4 * fieldsMax)) {
    const isFolded = line.startsWith(' ') || line.startsWith('\t')
    if (isFolded) {
      const last = current?.at(-1)
      if (current && last !== undefined && last.length < fieldCharsMax)
        current[current.length - 1] = `${last} ${line.trim()}`.slice(0, fieldCharsMax)
      continue
    }
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).trimEnd().toLowerCase()
    if (colon <= 0 || name.length > 100 || /[^\x21-\x7e]/.test(name)) {
      current = undefined
      continue
    }
    current = fields.get(name) ?? []
    if (fields.size >= fieldsMax || current.length >= fieldsMax) return fields
    current.push(
      line
        .slice(colon + 1)
        .trim()
        .slice(0, fieldCharsMax),
    )
    fields.set(name, current)
  }
  return fields
}

/** The first value of a field; empty when there is none. */
export function fieldOf(fields: MailFields, name: string): string {
  return fields.get(name)?.[0] ?? ''
}

function readContentType(fields: MailFields): { type: string; parameters: ReadonlyMap<string, string> } {
  const [first = '', ...rest] = fieldOf(fields, 'content-type').split(';')
  const type = first.trim().toLowerCase() || 'text/plain'
  const parameters = new Map<string, string>()
  for (const parameter of rest) {
    const equals = parameter.indexOf('=')
    if (equals < 0) continue
    const value = parameter.slice(equals + 1).trim()
    const isQuoted = value.startsWith('"')
    const end = isQuoted ? value.indexOf('"', 1) : value.search(/\s/)
    parameters.set(
      parameter.slice(0, equals).trim().toLowerCase(),
      value.slice(isQuoted ? 1 : 0, end < 0 ? undefined : end),
    )
  }
  return { type, parameters }
}
