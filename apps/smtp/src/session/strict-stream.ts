import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'

type Next = (error?: Error | null) => void

const CR = 0x0d
const LF = 0x0a
/** After this number of pipelined commands others get their turn. */
const linesAtOnce = 50
/** After a piece of this many bytes of a mail too: a full socket would be read 32 times before the next one. */
const pieceBytesMax = 16_384

/** A command line that a client of SMTP cannot have meant. */
export class BadLine extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BadLine'
  }
}

/**
 * Takes a command only if its line ends in CRLF, and is short enough. A server that also takes a bare LF as the end can be made to see
 * commands where the server before it saw none.
 */
export class StrictStream extends SMTPStream {
  readonly #lineMax: () => number
  #lineBytes = 0
  #lastByte = 0

  constructor(lineMax: () => number) {
    super()
    this.#lineMax = lineMax
  }

  override _write(chunk: Buffer, encoding: BufferEncoding | 'buffer', next: Next): void {
    if (!this.isClosed && !this._dataMode && chunk.length > 0) this.#feed(chunk, next)
    else if (chunk.length < pieceBytesMax) super._write(chunk, encoding, next)
    else super._write(chunk, encoding, (error) => void setImmediate(next, error))
  }

  /** Hands over line by line: after each of them the rest may be content, or plaintext that TLS has made void. */
  #feed(chunk: Buffer, next: Next): void {
    let from = 0
    let lines = 0
    const step: Next = (error) => {
      if (error || this.isClosed || from >= chunk.length) {
        next(error)
        return
      }
      if (this._dataMode) {
        super._write(chunk.subarray(from), 'buffer', next)
        return
      }
      const at = chunk.indexOf(LF, from)
      const piece = chunk.subarray(from, at < 0 ? chunk.length : at + 1)
      const fault = this.#faultOf(piece, at >= 0)
      if (fault) {
        next(fault)
        return
      }
      from += piece.length
      lines += 1
      const after: Next = lines % linesAtOnce === 0 ? (fail) => void setImmediate(step, fail) : step
      super._write(piece, 'buffer', after)
    }
    step()
  }

  #faultOf(piece: Buffer, isEnd: boolean): BadLine | null {
    this.#lineBytes += piece.length
    if (this.#lineBytes > this.#lineMax()) return new BadLine('The line is too long')
    const before = piece.length > 1 ? piece.at(-2) : this.#lastByte
    if (isEnd && before !== CR) return new BadLine('A line does not end in CR LF')
    this.#lastByte = piece.at(-1) ?? 0
    if (isEnd) this.#lineBytes = 0
    return null
  }
}
