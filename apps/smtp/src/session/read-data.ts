import type { SMTPServerDataStream } from 'smtp-server'
import { createBreakCheck } from './line-breaks.ts'
import type { Memory } from './memory.ts'

export type ReadData =
  | { kind: 'mail'; mail: Buffer; hasBareBreak: boolean; release(): void }
  /** Larger than allowed, or the memory is full; read to its end and forgotten. */
  | { kind: 'too-large' | 'no-memory' }
  /** The client left, or sent far more than is allowed: there is nobody to answer. */
  | { kind: 'gone' }

/** Reads a mail into memory, within its limit and the holder's share of the memory of all sessions. */
export function readData(
  stream: SMTPServerDataStream,
  { bytesMax, memory, holder }: { bytesMax: number; memory: Memory; holder: string },
): Promise<ReadData> {
  const { promise, resolve } = Promise.withResolvers<ReadData>()
  const pieces: Buffer[] = []
  const breaks = createBreakCheck()
  let held = 0
  let length = 0
  let failed: 'too-large' | 'no-memory' | null = null

  function release(): void {
    memory.give(holder, held)
    held = 0
    pieces.length = 0
  }
  function fail(kind: 'too-large' | 'no-memory'): void {
    release()
    failed = kind
  }

  stream.on('data', (piece: Buffer) => {
    length += piece.length
    if (length > bytesMax * 2) {
      release()
      resolve({ kind: 'gone' })
      stream.destroy()
      return
    }
    if (failed) return
    if (length > bytesMax) fail('too-large')
    else if (!memory.take(holder, piece.length)) fail('no-memory')
    else {
      held += piece.length
      breaks.add(piece)
      pieces.push(piece)
    }
  })
  stream.once('error', () => {})
  stream.once('close', () => {
    if (stream.readableEnded) return
    release()
    resolve({ kind: 'gone' })
  })
  stream.once('end', () => {
    if (failed) {
      resolve({ kind: failed })
      return
    }
    const mail = Buffer.concat(pieces)
    pieces.length = 0
    resolve({ kind: 'mail', mail, hasBareBreak: breaks.hasBareBreak(), release })
  })
  return promise
}
