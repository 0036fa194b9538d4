import type MimeNode from 'nodemailer/lib/mime-node'
import { writeParameter } from './mime-parameter.ts'

/** RFC 5322 §2.1.1: of one line without its end. */
const lineOctetsMax = 998
/** RFC 2047 §2 permits 75 of one word, and 76 of its line: room is left for a bracket and a comma beside it. */
const wordCharsMax = 73
const wordFrameChars = '=?UTF-8?B?'.length + '?='.length
/** Of the longest usual field before it, so that the first word is on the line of the name. */
const firstWordCharsMax = 76 - 'Reply-To: '.length
/** Folded between more of these, a line would hold nothing else. */
const spacesMax = 60

const subjectRoom = lineOctetsMax - 'Subject: '.length
const printable = /^[\x20-\x7e]*$/

/** A text for an unstructured field: unchanged if it is allowed and can be folded there, else in encoded words. */
export function encodeText(name: string, text: string): string {
  return isPlain(name, text) ? text.trimEnd() : encodeWords(text, 76 - name.length - ': '.length)
}

/** A subject for an API that encodes text outside ASCII itself, but cannot fold a word that is longer than a line. */
export function foldableSubject(subject: string): string {
  const isLong = (piece: string) => piece.length > subjectRoom && printable.test(piece)
  return subject.length > subjectRoom && unfoldable(subject).some(isLong) ? encodeWords(subject) : subject
}

/** Whether a text is allowed in a field of this name, and be folded between its words. */
function isPlain(name: string, text: string): boolean {
  if (!printable.test(text) || text.includes(' '.repeat(spacesMax))) return false
  const room = lineOctetsMax - name.length - ': '.length
  return text.length <= room || unfoldable(text).every((piece) => piece.length <= room)
}

/** Pieces that a fold leaves whole: each word with the spaces before it, which begin its line. */
function unfoldable(text: string): string[] {
  const pieces: string[] = []
  let spaces = 0
  for (const word of text.split(' ')) {
    if (word !== '') {
      pieces.push(' '.repeat(spaces) + word)
      spaces = 0
    }
    spaces++
  }
  return pieces
}

/** A name before an address: as it is, in quotes, or in encoded words. */
export function encodeName(name: string): string {
  if (/^\w+(?: \w+)*$/.test(name)) return name
  // Some readers decode what looks like an encoded word in quotes, too.
  if (isPlain('', name) && !name.includes('=?')) return `"${name.replace(/["\\]/g, '\\$&')}"`
  return encodeWords(name)
}

/**
 * Text as encoded words (RFC 2047), each with whole characters, which are also allowed in a phrase or a comment. Readers
 * join them without the spaces between them. The encoding goes by the text alone.
 */
export function encodeWords(text: string, firstCharsMax: number = firstWordCharsMax): string {
  const whole = text.toWellFormed()
  const encoding = prefersBase64(whole) ? base64 : quoted
  const words: string[] = []
  let content = ''
  let size = 0
  let room = Math.max(Math.min(firstCharsMax, wordCharsMax), 30) - wordFrameChars
  for (const character of whole) {
    const more = encoding.sizeOf(character)
    if (encoding.total(size + more) > room && content !== '') {
      words.push(encoding.write(content))
      content = ''
      size = 0
      room = wordCharsMax - wordFrameChars
    }
    content += character
    size += more
  }
  words.push(encoding.write(content))
  return words.join(' ')
}

/** RFC 2047 §4: B where most characters need encoding. */
function prefersBase64(text: string): boolean {
  let safe = 0
  let all = 0
  for (const character of text) {
    all += 1
    if (isSafe(character)) safe += 1
  }
  return safe * 2 < all
}

/** RFC 2047 §5: what Q may leave as it is in a phrase, the strictest place; a space is one character too. */
function isSafe(character: string): boolean {
  return /^[A-Za-z0-9!*+\-/ ]$/.test(character)
}

const base64 = {
  sizeOf: (character: string) => Buffer.byteLength(character),
  total: (bytes: number) => Math.ceil(bytes / 3) * 4,
  write: (text: string) => `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`,
}

const quoted = {
  sizeOf: (character: string) => (isSafe(character) ? 1 : 3 * Buffer.byteLength(character)),
  total: (chars: number) => chars,
  write: (text: string) => `=?UTF-8?Q?${Array.from(text, quote).join('')}?=`,
}

function quote(character: string): string {
  if (character === ' ') return '_'
  if (isSafe(character)) return character
  return Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '=$&')
}

/** Fields that nodemailer writes by their grammar, of names and parts that are right already. */
const structured = new Set([
  ...['From', 'Sender', 'To', 'Cc', 'Bcc', 'Reply-To', 'Message-ID', 'In-Reply-To', 'References', 'Date'],
  ...[
    'Content-ID',
    'OTP-Token',
    'Content-Type',
    'Content-Disposition',
    'Content-Transfer-Encoding',
    'MIME-Version',
  ],
])

/**
 * Makes a tree of parts encode its header texts as above. Nodemailer chooses the encoding by the body, cuts words at 52
 * characters, encodes quotes, and lets through any word without a space. The methods are private to it: where one is
 * missing nothing is sent, so that a change of it is noticed.
 */
export function useOwnWords(node: MimeNode): void {
  const write = methodOf(node, 'encodeHeaderValue')
  for (const name of ['_encodeAddressName', '_encodeWords']) methodOf(node, name)
  Reflect.set(node, 'encodeHeaderValue', (key: string, value: unknown) => {
    if (key === 'Content-Disposition') return dispositionOf(node, String(write(key, value)))
    return typeof value === 'string' && !structured.has(key)
      ? encodeText(key, value.replace(/\r?\n|\r/g, ' '))
      : write(key, value)
  })
  Reflect.set(node, '_encodeAddressName', encodeName)
  Reflect.set(node, '_encodeWords', (text: string) => encodeText('filename', text))
  for (const child of node.childNodes) useOwnWords(child)
}

function dispositionOf(node: MimeNode, written: string): string {
  const filename: unknown = Reflect.get(node, 'filename')
  if (typeof filename !== 'string' || filename === '') return written
  return `${written.slice(0, written.indexOf(';'))}; ${writeParameter('filename', filename)}`
}

function methodOf(node: MimeNode, name: string): (...values: unknown[]) => unknown {
  const method: unknown = Reflect.get(node, name)
  if (typeof method !== 'function') throw new TypeError(`nodemailer has no ${name}`)
  return (...values) => method.apply(node, values)
}
