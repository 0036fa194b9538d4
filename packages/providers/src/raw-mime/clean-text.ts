/** Decoded text as one line: what was encoded may be anything, a line break of a further header field too. */
export function toLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
}

/** Decoded text that can be stored and written as JSON. */
export function withoutNul(text: string): string {
  return text.toWellFormed().replaceAll('\0', '')
}
