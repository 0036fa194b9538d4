import { setImmediate as turn } from 'node:timers/promises'

/** Reading this many bytes takes about a millisecond; then other work gets its turn. */
const pieceBytes = 512 * 1024
const CR = 0x0d
const LF = 0x0a

/** The result of reading all bytes of a mail. */
type Bytes = { bareEnds: number; isAscii: boolean }

async function look(raw: Buffer): Promise<Bytes> {
  let bareEnds = 0
  let bits = 0
  let before = 0
  for (let from = 0; from < raw.length; from += pieceBytes) {
    const to = Math.min(from + pieceBytes, raw.length)
    for (let at = from; at < to; at++) {
      const byte = raw[at] ?? 0
      bits |= byte
      if (byte === LF ? before !== CR : before === CR) bareEnds++
      before = byte
    }
    if (to < raw.length) await turn()
  }
  if (before === CR) bareEnds++
  return { bareEnds, isAscii: bits < 0x80 }
}

/**
 * The mail with every line ended by CRLF, as SMTP carries it, and with one at its end; the same buffer where it is so already. A line
 * break of any other kind would be another one at each server, and end the mail at some (https://www.postfix.org/smtp-smuggling.html).
 */
export async function withCrlfEnds(raw: Buffer): Promise<{ raw: Buffer; isAscii: boolean }> {
  const { bareEnds, isAscii } = await look(raw)
  const isEnded = raw.at(-1) === LF || raw.at(-1) === CR
  if (bareEnds === 0) return { raw: isEnded ? raw : Buffer.concat([raw, Buffer.from('\r\n')]), isAscii }
  const ended = Buffer.allocUnsafe(raw.length + bareEnds + (isEnded ? 0 : 2))
  let length = 0
  for (let at = 0; at < raw.length; at++) {
    const byte = raw[at] ?? 0
    if (byte === LF && raw[at - 1] !== CR) ended[length++] = CR
    ended[length++] = byte
    if (byte === CR && raw[at + 1] !== LF) ended[length++] = LF
    if (at % pieceBytes === pieceBytes - 1) await turn()
  }
  if (!isEnded) {
    ended[length++] = CR
    ended[length++] = LF
  }
  return { raw: ended, isAscii }
}
