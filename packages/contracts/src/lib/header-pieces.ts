import { type AsciiForm, isPrintableAscii } from './ascii-forms.ts'
import type { HeaderToken } from './header-tokens.ts'

/** A part of a header value: written as it is, or as encoded words (RFC 2047), which are allowed in free text only. */
export type HeaderPiece = { text: string; encode: boolean }

/** Folded between more of these, a line would hold nothing else, which RFC 5322 §3.2.2 forbids. */
export const spacesMax = 60
/** At least as long as one encoded word with the text that may surround it. */
const encodedWordChars = 80
/** A longer one is encoded, since encoded words can be folded. */
const nameWordCharsMax = 900

/** Collects the pieces of a structured value; where a part ends, the value can be folded. */
export class Pieces {
  readonly pieces: HeaderPiece[] = []
  #gap = false

  /** A word or a part in quotes, unchanged. */
  addPlain(source: string): void {
    this.#begin()
    this.pieces.push(literal(source))
  }

  addAngle(inner: string): void {
    this.addPlain(`<${inner}>`)
    this.#gap = true
  }

  addSpace(): void {
    this.#gap = true
  }

  /** It belongs to the text before it; a colon may be inside a word. */
  addSeparator(source: string): void {
    this.pieces.push(literal(source))
    this.#gap = source !== ':'
  }

  addComment({ text, source }: HeaderToken): void {
    this.#gap = true
    if (isPrintableAscii(text)) this.addPlain(source)
    else {
      this.addPlain('(')
      this.pieces.push(encoded(text.replace(/\\(.)/g, '$1')), literal(')'))
    }
    this.#gap = true
  }

  /** Words and parts in quotes that name something together. */
  addPhrase(tokens: readonly HeaderToken[]): void {
    const source = sourceOf(tokens)
    const isPlain = isPrintableAscii(source) && !hasLongGap(source)
    if (isPlain && longestWord([literal(source)]) < nameWordCharsMax) {
      this.addPlain(source)
      return
    }
    // An encoded word must have spaces around it (RFC 2047 §5).
    this.#gap = true
    this.#begin()
    this.pieces.push(
      encoded(
        tokens
          .map(({ text }) => text)
          .join('')
          .trim(),
      ),
    )
    this.#gap = true
  }

  /** An address, a domain or a URL by its ASCII form; returns its fault. */
  addForm(form: AsciiForm, add: (ascii: string) => void): string | undefined {
    if ('issue' in form) return form.issue
    add(form.ascii)
    return undefined
  }

  #begin(): void {
    if (this.#gap && this.pieces.length > 0) this.pieces.push(literal(' '))
    this.#gap = false
  }
}

/** Unchanged tokens, with one space where there are several. */
export function sourceOf(tokens: readonly HeaderToken[]): string {
  return tokens
    .map(({ kind, source }) => (kind === 'space' ? ' ' : source))
    .join('')
    .trim()
}

export function literal(text: string): HeaderPiece {
  return { text, encode: false }
}

export function encoded(text: string): HeaderPiece {
  return { text, encode: true }
}

/** True if folding could leave a line with only spaces. */
export function hasLongGap(value: string): boolean {
  return value.includes(' '.repeat(spacesMax))
}

/** The most characters between two places where the value can be folded. */
export function longestWord(pieces: readonly HeaderPiece[]): number {
  let longest = 0
  let current = 0
  // Further spaces before a word begin its line.
  let isBlank = true
  for (const { text, encode } of pieces) {
    if (encode) {
      longest = Math.max(longest, current + encodedWordChars)
      current = encodedWordChars
      isBlank = false
      continue
    }
    for (const [at, word] of text.split(' ').entries()) {
      if (at > 0) current = isBlank ? current + 1 : 0
      current += word.length
      isBlank = word === '' && (at > 0 || isBlank)
      longest = Math.max(longest, current)
    }
  }
  return longest
}
