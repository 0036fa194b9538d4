import { createHash, hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'

/** Characters that are gathered before they are hashed. */
const CHUNK_CHARS = 64 * 1024
/** Chunks hashed before others get their turn. */
const CHUNKS_AT_ONCE = 16

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}

/** A string as JSON writes it, in pieces of bounded length that split no character. */
function* stringPieces(text: string): Generator<string> {
  if (text.length <= CHUNK_CHARS) {
    yield JSON.stringify(text)
    return
  }
  yield '"'
  for (let start = 0; start < text.length; ) {
    let end = Math.min(text.length, start + CHUNK_CHARS)
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end++
    yield JSON.stringify(text.slice(start, end)).slice(1, -1)
    start = end
  }
  yield '"'
}

function scalar(value: unknown): string {
  // JSON has no infinity, but 1e400 is read as one: it must not be taken for null.
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : JSON.stringify(value)
}

/** Writes a parsed JSON value as RFC 8785 does: members by name, no spaces, one spelling of strings and numbers. */
export function* canonicalPieces(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    yield* stringPieces(value)
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      yield i === 0 ? '[' : ','
      yield* canonicalPieces(value[i])
    }
    yield value.length === 0 ? '[]' : ']'
  } else if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value).sort()
    for (const [i, key] of keys.entries()) {
      yield `${i === 0 ? '{' : ','}${JSON.stringify(key)}:`
      yield* canonicalPieces(Reflect.get(value, key))
    }
    yield keys.length === 0 ? '{}' : '}'
  } else {
    yield scalar(value)
  }
}

function* chunks(value: unknown): Generator<string> {
  let gathered = ''
  for (const piece of canonicalPieces(value)) {
    gathered += piece
    if (gathered.length < CHUNK_CHARS) continue
    yield gathered
    gathered = ''
  }
  yield gathered
}

/** SHA-256 of a JSON value: equal for equal values in any spelling. */
export function canonicalHash(value: unknown): Buffer {
  const [first = '', ...rest] = chunks(value)
  if (rest.length === 0) return hash('sha256', first, 'buffer')
  const sum = createHash('sha256').update(first)
  for (const chunk of rest) sum.update(chunk)
  return sum.digest()
}

/** The same of a large value, letting others run in between. */
export async function canonicalHashInSteps(value: unknown): Promise<Buffer> {
  const sum = createHash('sha256')
  let count = 0
  for (const chunk of chunks(value)) {
    sum.update(chunk)
    if (++count % CHUNKS_AT_ONCE === 0) await setImmediate()
  }
  return sum.digest()
}

/** SHA-256 of the bytes of a large body, letting others run in between. */
export async function bytesHashInSteps(bytes: Buffer): Promise<Buffer> {
  const sum = createHash('sha256')
  const size = CHUNK_CHARS * CHUNKS_AT_ONCE
  for (let start = 0; start < bytes.length; start += size) {
    sum.update(bytes.subarray(start, start + size))
    await setImmediate()
  }
  return sum.digest()
}
