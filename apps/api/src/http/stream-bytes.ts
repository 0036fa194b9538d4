import { Readable } from 'node:stream'

const PIECE_BYTES = 64 * 1024

function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) yield bytes.subarray(from, from + PIECE_BYTES)
}

/** Bytes that leave as fast as they are read: a socket never holds a second copy of all of them. */
export function streamBytes(bytes: Buffer): Readable {
  return Readable.from(piecesOf(bytes), { objectMode: false })
}
