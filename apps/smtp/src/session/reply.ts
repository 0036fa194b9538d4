/** An answer to a command: code (RFC 5321), enhanced code (RFC 3463) and text, one line or several. */
export type Reply = {
  code: number
  enhanced: string
  text: string | string[]
  /** The session ends after it. */
  isLast?: boolean
}

export function reply(code: number, enhanced: string, text: string | string[]): Reply {
  return { code, enhanced, text }
}

/** RFC 5321 §4.5.3.1.5 allows 512 bytes for a line, with its code. */
const lineCharsMax = 480

/** A text in lines that every client can read, each with its enhanced code. */
export function linesOf({ enhanced, text }: Reply): string[] {
  const lines = typeof text === 'string' ? [text] : text
  return lines.map((line) => `${enhanced} ${line}`.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, lineCharsMax))
}

/** A reply as the one text that the library passes on; `toLines` gives its lines back. */
export function toText(given: Reply): string {
  return linesOf(given).join('\n')
}

/** The lines of a text that has its enhanced codes already; null: the library's own text. */
export function toLines(text: string): string[] | null {
  return /^[245]\.\d{1,3}\.\d{1,3} /.test(text) ? text.split('\n') : null
}

/** The library takes only a code and a text from an error. */
export class Refusal extends Error {
  readonly responseCode: number

  constructor(given: Reply) {
    super(toText(given))
    this.name = 'Refusal'
    this.responseCode = given.code
  }
}
