import { randomBytes, randomInt } from 'node:crypto'

let last = { time: 0, count: 0 }

/** A UUIDv7 of now, above the ones before it of the same millisecond: the large tables are partitioned by its time. */
export function newId(now = Date.now()): string {
  last = { time: now, count: now === last.time ? (last.count + 1) & 0xfff : randomInt(0x800) }
  const bytes = randomBytes(16)
  bytes.writeUIntBE(now, 0, 6)
  bytes.writeUInt16BE(0x7000 | last.count, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
