import { type AsciiForm, asciiAddress, asciiDomain, asciiUri, isPrintableAscii } from './ascii-forms.ts'
import { grammarOf, type HeaderGrammar } from './header-grammar.ts'
import {
  encoded,
  type HeaderPiece,
  hasLongGap,
  literal,
  longestWord,
  Pieces,
  sourceOf,
} from './header-pieces.ts'
import { type HeaderToken, readTokens } from './header-tokens.ts'

/** A header value in pieces that follow the grammar of its field, or its fault. */
export type HeaderValue = { pieces: HeaderPiece[] } | { issue: string }

/** RFC 5322 §2.1.1: of one line without its end. */
const lineOctetsMax = 998

/** Reads a value in one line without control characters; one in ASCII that can be folded is right as it is. */
export function readHeaderValue(name: string, value: string): HeaderValue {
  const room = lineOctetsMax - name.length - ': '.length
  const grammar = grammarOf(name)
  const plain: HeaderValue = { pieces: [literal(value)] }
  const isPlain = isPrintableAscii(value) && longestWord(plain.pieces) <= room && !hasLongGap(value)
  if (isPlain && grammar !== 'message-ids') return plain
  const written = writers[grammar](value)
  if ('issue' in written) return isPlain ? plain : written
  return longestWord(written.pieces) <= room ? written : { issue: tooLong(room) }
}

function tooLong(room: number): string {
  return `has more than ${room} characters without a space, which is too long for a line of a mail`
}

const writers: Readonly<Record<HeaderGrammar, (value: string) => HeaderValue>> = {
  text: (value) => ({ pieces: [encoded(value)] }),
  loose: writeLoosely,
  phrases: (value) => writePhrases(value, { formOf: () => ({ issue: 'has a < in a list of words' }) }),
  addresses: (value) => writePhrases(value, { formOf: asciiAddress, bare: 'has a name without an address' }),
  'list-id': (value) =>
    value.includes('<')
      ? writePhrases(value, { formOf: asciiDomain })
      : { issue: 'needs the id of the list in angle brackets, behind its name' },
  uris: writeUris,
  'message-ids': writeMessageIds,
  tokens: (value) => writeParts(value, asciiOnly),
}

function asciiOnly(text: string): AsciiForm {
  return isPrintableAscii(text)
    ? { ascii: text }
    : { issue: 'has characters outside ASCII where the field allows none' }
}

/**
 * Writes a field of an unknown grammar: an address with a name and a URL are known by their look, and of anything else
 * only the words from the first to the last that is not ASCII are encoded, since a program may read the others.
 */
function writeLoosely(value: string): HeaderValue {
  const asAddress = /<[^<>\s@]+@[^<>\s]+>$/.test(value) ? writers.addresses(value) : undefined
  if (asAddress !== undefined && 'pieces' in asAddress) return asAddress
  const words = value.split(' ').map(withAsciiUrl)
  const isForeign = (word: string) => !isPrintableAscii(word)
  const first = words.findIndex(isForeign)
  const last = words.findLastIndex(isForeign)
  const before = words.slice(0, Math.max(first, 0)).map((word) => `${word} `)
  const after = words.slice(last + 1)
  if (hasLongGap(before.join('')) || hasLongGap(after.join(' '))) return { pieces: [encoded(value)] }
  if (first < 0) return { pieces: [literal(after.join(' '))] }
  const rest = after.map((word) => ` ${word}`).join('')
  return {
    pieces: [literal(before.join('')), encoded(words.slice(first, last + 1).join(' ')), literal(rest)],
  }
}

function withAsciiUrl(word: string): string {
  const [, open = '', url, close = ''] = /^(<?)(https?:\/\/[^<>]+)(>?)$/i.exec(word) ?? []
  if (url === undefined || isPrintableAscii(url)) return word
  const form = asciiUri(url)
  return 'issue' in form ? word : open + form.ascii + close
}

/** One URL without brackets gets them. */
function writeUris(value: string): HeaderValue {
  if (/[ <(]/.test(value)) return writeParts(value, asciiUri)
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(value)) return { issue: 'is not a URL in angle brackets' }
  return writeParts(`<${value}>`, asciiUri)
}

/** Ids without brackets get them; commas between ids are no part of the grammar (RFC 5322 §3.6.4). */
function writeMessageIds(value: string): HeaderValue {
  if (/[<"(]/.test(value)) return writeParts(value, asciiOnly, ',')
  const ids = value.split(/[ ,]+/).filter((id) => id !== '')
  return writeParts(ids.map((id) => (id.includes('@') ? `<${id}>` : id)).join(' '), asciiOnly)
}

/** Writes a value without phrases: parts in brackets by their own form, comments encoded, everything else in ASCII. */
function writeParts(value: string, formOf: (inner: string) => AsciiForm, without?: string): HeaderValue {
  const tokens = readTokens(value)
  if (typeof tokens === 'string') return { issue: tokens }
  const pieces = new Pieces()
  for (const token of tokens) {
    if (token.source === without) pieces.addSpace()
    else if (token.kind === 'word' || token.kind === 'quoted') {
      const form = asciiOnly(token.source)
      if ('issue' in form) return form
      pieces.addPlain(form.ascii)
    } else {
      const issue = addDelimited(pieces, token, formOf)
      if (issue !== undefined) return { issue }
    }
  }
  return { pieces: pieces.pieces }
}

type PhraseForms = {
  /** Of the text in angle brackets. */
  formOf: (inner: string) => AsciiForm
  /** The fault of a phrase with nothing in brackets behind it, unless that is such a form itself; absent: none. */
  bare?: string
}

/** Writes a list whose items are phrases, or phrases before something in brackets. */
function writePhrases(value: string, { formOf, bare }: PhraseForms): HeaderValue {
  const tokens = readTokens(value)
  if (typeof tokens === 'string') return { issue: tokens }
  const pieces = new Pieces()
  let phrase: HeaderToken[] = []
  const endPhrase = (next: HeaderToken | undefined): string | undefined => {
    const source = sourceOf(phrase)
    const ended = phrase
    phrase = []
    if (source === '') return undefined
    const isName = bare === undefined || next?.kind === 'angle' || next?.source === ':'
    if (!isName && source.includes('@'))
      return pieces.addForm(formOf(source), (ascii) => pieces.addPlain(ascii))
    if (!isName && next?.kind !== 'comment') return bare
    pieces.addPhrase(ended)
    if (ended.at(-1)?.kind === 'space') pieces.addSpace()
    return undefined
  }
  for (const token of tokens) {
    const isSpace = token.kind === 'space'
    if (token.kind === 'word' || token.kind === 'quoted' || (isSpace && phrase.length > 0)) {
      phrase.push(token)
      continue
    }
    const issue = endPhrase(token) ?? addDelimited(pieces, token, formOf)
    if (issue !== undefined) return { issue }
  }
  const issue = endPhrase(undefined)
  return issue === undefined ? { pieces: pieces.pieces } : { issue }
}

function addDelimited(
  pieces: Pieces,
  token: HeaderToken,
  formOf: (inner: string) => AsciiForm,
): string | undefined {
  switch (token.kind) {
    case 'angle':
      return pieces.addForm(formOf(token.text), (ascii) => pieces.addAngle(ascii))
    case 'comment':
      pieces.addComment(token)
      return undefined
    case 'separator':
      pieces.addSeparator(token.source)
      return undefined
    default:
      pieces.addSpace()
      return undefined
  }
}
