/** Folded between more spaces than these, a line would hold nothing else. */
const spacesMax = 60
/** Of one piece, so that it is on its own line with its name. */
const pieceCharsMax = 60

/**
 * A parameter of a header field: in quotes where it is ASCII, since readers of pieces lose spaces at their ends, else in
 * pieces of percent-encoded UTF-8 (RFC 2231), each with whole characters.
 */
export function writeParameter(name: string, value: string): string {
  const isPlain = /^[\x20-\x7e]*$/.test(value) && !value.includes(' '.repeat(spacesMax))
  if (isPlain) return `${name}="${value.replace(/["\\]/g, '\\$&')}"`
  const pieces = ["utf-8''"]
  for (const character of value.toWellFormed()) {
    const encoded = percentEncoded(character)
    const last = pieces.length - 1
    const piece = pieces[last] ?? ''
    if (piece.length + encoded.length <= pieceCharsMax) pieces[last] = piece + encoded
    else pieces.push(encoded)
  }
  return pieces.map((piece, at) => `${name}*${at}*=${piece}`).join('; ')
}

/** RFC 5987 §3.2.1 attr-char, less what some readers take for more. */
function percentEncoded(character: string): string {
  if (/^[A-Za-z0-9._~-]$/.test(character)) return character
  return Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '%$&')
}
