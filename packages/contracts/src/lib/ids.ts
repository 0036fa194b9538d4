import { randomFillSync } from 'node:crypto'

/** What stands before the underscore of a public id. */
export const ID_PREFIXES = [
  'msg',
  'con',
  'rte',
  'ten',
  'key',
  'req',
  'end',
  'job',
  'dom',
  'smc',
  'inr',
  'inb',
  'mbx',
] as const
export type IdPrefix = (typeof ID_PREFIXES)[number]

// Crockford base32 has no i, l, o or u. Only lower case is read back, so that an id has exactly one spelling.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const encodedLength = 26
const uuidShape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const valueOfCode = decodingTable()
const timeMax = 2 ** 48 - 1

/**
 * Makes UUIDv7 (RFC 9562 §5.7) that rise strictly within the process: 48 bits of milliseconds, a 12-bit
 * counter (§6.2 method 1) and 62 random bits.
 */
export function createIdSource(now: () => number): () => string {
  const pool = Buffer.alloc(8192)
  let position = pool.length
  let time = -1
  let counter = 0

  return () => {
    // One call for 8 kB costs little more than one for 10 bytes.
    if (position + 10 > pool.length) {
      randomFillSync(pool)
      position = 0
    }
    const at = position
    position += 10
    const clock = now()
    if (clock > time) {
      time = clock
      // Starts in the lower half, so that at least 2,048 ids fit into a millisecond.
      counter = ((byteAt(pool, at) << 8) | byteAt(pool, at + 1)) & 0x7ff
    } else if (counter === 0xfff) {
      // Borrowing the next millisecond keeps the order when a millisecond is full or the clock steps back.
      time += 1
      counter = 0
    } else {
      counter += 1
    }
    return writeUuid(time, counter, pool, at + 2)
  }
}

/** A new UUIDv7, greater than every one before it in this process. */
export const newId = createIdSource(() => Date.now())

/** `msg_` and the like, then the UUID's 128 bits as 26 characters of Crockford base32. */
export function toPublicId(prefix: IdPrefix, uuid: string): string {
  if (!uuidShape.test(uuid)) throw new TypeError('not a uuid')
  let text = `${prefix}_`
  let bits = 0
  // Two leading zero bits bring 128 to 26 × 5.
  let bitCount = 2
  for (let i = 0; i < uuid.length; i += 1) {
    const code = uuid.charCodeAt(i)
    if (code === 45) continue
    bits = ((bits & 0xf) << 4) | (code < 58 ? code - 48 : code - 87)
    bitCount += 4
    if (bitCount >= 5) {
      bitCount -= 5
      text += alphabet[(bits >> bitCount) & 31]
    }
  }
  return text
}

/** The UUID behind a public id, or null when the text is not one that `toPublicId` would write. */
export function fromPublicId(prefix: IdPrefix, text: string): string | null {
  const start = prefix.length + 1
  if (text.length !== start + encodedLength || !text.startsWith(`${prefix}_`)) return null
  let hex = ''
  let bits = 0
  let bitCount = -2
  for (let i = start; i < text.length; i += 1) {
    const value = valueOfCode[text.charCodeAt(i)] ?? -1
    if (value < 0) return null
    // The first character carries three bits; more would not fit into 128.
    if (i === start && value > 7) return null
    bits = ((bits & 0xf) << 5) | value
    bitCount += 5
    while (bitCount >= 4) {
      bitCount -= 4
      hex += alphabet[(bits >> bitCount) & 0xf]
    }
  }
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The millisecond written into a UUIDv7. */
export function uuidTime(uuid: string): Date {
  return new Date(Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16))
}

/** The lowest UUIDv7 of a millisecond: the bound for `since` and `until` over ids. */
export function uuidAtTime(date: Date): string {
  const hex = Math.min(Math.max(date.getTime(), 0), timeMax).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

function writeUuid(time: number, counter: number, pool: Buffer, at: number): string {
  const high = Math.floor(time / 0x10000)
  const low = time & 0xffff
  return (
    hexByte(high >>> 24) +
    hexByte(high >>> 16) +
    hexByte(high >>> 8) +
    hexByte(high) +
    '-' +
    hexByte(low >>> 8) +
    hexByte(low) +
    '-' +
    hexByte(0x70 | (counter >>> 8)) +
    hexByte(counter) +
    '-' +
    hexByte(0x80 | (byteAt(pool, at) & 0x3f)) +
    hexByte(byteAt(pool, at + 1)) +
    '-' +
    hexByte(byteAt(pool, at + 2)) +
    hexByte(byteAt(pool, at + 3)) +
    hexByte(byteAt(pool, at + 4)) +
    hexByte(byteAt(pool, at + 5)) +
    hexByte(byteAt(pool, at + 6)) +
    hexByte(byteAt(pool, at + 7))
  )
}

function hexByte(value: number): string {
  return hexOfByte[value & 0xff] ?? ''
}

function byteAt(pool: Buffer, index: number): number {
  return pool[index] ?? 0
}

function decodingTable(): Int8Array {
  const table = new Int8Array(128).fill(-1)
  for (let value = 0; value < alphabet.length; value += 1) table[alphabet.charCodeAt(value)] = value
  return table
}
