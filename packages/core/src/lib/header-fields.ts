import { readHeaderValue } from '@lettergate/contracts/lib/header-value'
import { encodeWords } from '@lettergate/providers/lib/mime-words'

type Headers = Readonly<Record<string, string>>

/** Custom header fields as every provider gets them: in ASCII, by the grammar of each field, no word longer than a line. */
export function toWireHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, toWireValue(name, value)]))
}

function toWireValue(name: string, value: string): string {
  const firstWordChars = 76 - name.length - ': '.length
  const read = readHeaderValue(name, value)
  // Accepted by an earlier version that did not ask: text is better than a line that no server takes.
  if ('issue' in read) return encodeWords(value, firstWordChars)
  let wire = ''
  for (const { text, encode } of read.pieces) {
    if (!encode) wire += text
    else wire += wire === '' ? encodeWords(text, firstWordChars) : encodeWords(text)
  }
  return wire
}
