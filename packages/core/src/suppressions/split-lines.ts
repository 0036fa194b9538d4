import { setImmediate } from 'node:timers/promises'
import { linesOfEntry } from './csv.ts'

const [LINE_FEED, CARRIAGE_RETURN, QUOTE] = [10, 13, 34]
/** Lines of one chunk, and the rest of its last entry: read, looked up and stored in one transaction. */
export const CHUNK_LINES = 1_000
/** Milliseconds before others get their turn. */
const TURN_MS = 10

export type Chunk = { line: number; lines: number; content: Buffer }

/** Why a file is refused as a whole: it is no list of addresses. */
export type SplitFault = 'too-many' | { longLine: number }

/** The lines from a place on, without what ends them. */
export function* linesFrom(file: Buffer, from = 0): Generator<string> {
  for (let at = from; at < file.length; ) {
    const found = file.indexOf(LINE_FEED, at)
    const end = found === -1 ? file.length : found
    yield file.toString('utf8', at, end > at && file[end - 1] === CARRIAGE_RETURN ? end - 1 : end)
    at = end + 1
  }
}

/** Cuts a file into chunks of whole entries. The chunks share its memory. */
export async function splitLines(
  file: Buffer,
  limits: { separator: string; firstLine: number; linesMax: number; lineBytesMax: number },
): Promise<Chunk[] | SplitFault> {
  const chunks: Chunk[] = []
  let [start, line, lines] = [0, limits.firstLine, 0]
  let [quoteAt, together] = [file.indexOf(QUOTE), 0]
  let began = performance.now()
  for (let at = 0; at < file.length; ) {
    const found = file.indexOf(LINE_FEED, at)
    const end = found === -1 ? file.length : found
    if (end - at > limits.lineBytesMax) return { longLine: line + lines }
    if (quoteAt !== -1 && quoteAt < at) quoteAt = file.indexOf(QUOTE, at)
    if (together === 0)
      together = quoteAt === -1 || quoteAt > end ? 1 : linesOfEntry(linesFrom(file, at), limits.separator)
    at = end + 1
    lines += 1
    together -= 1
    if ((lines < CHUNK_LINES || together > 0) && at < file.length) continue
    chunks.push({ line, lines, content: file.subarray(start, at) })
    line += lines
    if (line - 1 > limits.linesMax) return 'too-many'
    ;[start, lines] = [at, 0]
    if (performance.now() - began < TURN_MS) continue
    await setImmediate()
    began = performance.now()
  }
  return chunks
}
