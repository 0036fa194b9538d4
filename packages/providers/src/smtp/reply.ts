import { cutText } from '../lib/answer.ts'

/** As much of a reply as anything reads: RFC 5321 §4.5.3.1.5 allows 512 octets a line, and the important text is in the first few lines. */
const replyCharsMax = 2_000
const reasonCharsMax = 500

/** Limits how much of a reply is read: the server decides its length. */
export function cutReply(reply: string): string {
  return reply.slice(0, replyCharsMax)
}

/** A reply in its parts. */
export type Said = {
  /** Three digits; empty where it has none. */
  code: string
  /** RFC 3463; empty where it has none. */
  enhanced: string
  /** The server's own words, without repeated addresses (`corporate` contains `rate`) and without the codes of its lines. */
  words: string
}

const lineCodes = /^\d{3}(?:[ -]|$)(?:[245]\.\d{1,3}\.\d{1,3}(?![\d.]))?/
// Servers of the qmail family write it behind their words: `(#5.1.1)`.
const enhancedBehind = /\(?#([245]\.\d{1,3}\.\d{1,3})\)?/

export function readReply(reply: string): Said {
  const cut = cutReply(reply).trim()
  const [, code = '', before = ''] = /^(\d{3})(?:[ -]([245]\.\d{1,3}\.\d{1,3})(?![\d.]))?/.exec(cut) ?? []
  const said = cut.split('\n').map((line) => line.trimStart().replace(lineCodes, ''))
  const words = said.join(' ').split(/\s+/)
  const enhanced = before || (enhancedBehind.exec(cut)?.[1] ?? '')
  return { code, enhanced, words: words.filter((word) => word !== '' && !word.includes('@')).join(' ') }
}

// Postfix `queued as X`, SES `Ok X`, Exchange `<X> [Hostname=…]`, Exim `id=X`.
const idForms = [
  /queued as ([\w.-]{4,128})/i,
  /<([^<>\s]{3,250})>/,
  /\bid=([\w.-]{4,128})/i,
  /^250 (?:\d\.\d\.\d )?ok:? ([\w-]{12,128})$/i,
]

/** The id that a server gave in its last reply. */
export function idIn(reply: string): string | undefined {
  const cut = cutReply(reply)
  for (const form of idForms) {
    const id = form.exec(cut)?.[1]
    if (id) return id
  }
  return undefined
}

/** A reply on one line and no longer than a reason may be. */
export function shorten(reply: string): string {
  const line = cutReply(reply)
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return cutText(line, reasonCharsMax)
}
