import { setImmediate } from 'node:timers/promises'

/** Lines of one chunk: read, looked up and stored in one transaction. */
export const CHUNK_LINES = 1_000
/** Milliseconds before others get their turn. */
const TURN_MS = 10

export type Chunk = { line: number; lines: number; content: Buffer }

/** Why a file is refused as a whole: it is no list of addresses. */
export type SplitFault = 'too-many' | { longLine: number }

/** Cuts a file into chunks of whole lines, numbered from 1. The chunks share its memory. */
export async function splitLines(
  file: Buffer,
  { linesMax, lineBytesMax }: { linesMax: number; lineBytesMax: number },
): Promise<Chunk[] | SplitFault> {
  const chunks: Chunk[] = []
  let [start, line, lines] = [0, 1, 0]
  let began = performance.now()
  for (let at = 0; at < file.length; ) {
    const end = file.indexOf(10, at)
    if ((end === -1 ? file.length : end) - at > lineBytesMax) return { longLine: line + lines }
    at = end === -1 ? file.length : end + 1
    lines += 1
    if (lines < CHUNK_LINES && at < file.length) continue
    chunks.push({ line, lines, content: file.subarray(start, at) })
    line += lines
    if (line - 1 > linesMax) return 'too-many'
    ;[start, lines] = [at, 0]
    if (performance.now() - began < TURN_MS) continue
    await setImmediate()
    began = performance.now()
  }
  return chunks
}
