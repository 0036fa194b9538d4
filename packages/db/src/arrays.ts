/**
 * Arrays in Postgres' binary format. A batch is passed as one array per column; in text form each element would be
 * escaped here and parsed again there, character by character.
 * Format: src/backend/utils/adt/arrayfuncs.c, array_recv.
 */
const HEADER_BYTES = 20

const OID = {
  bytea: 17,
  int2: 21,
  int4: 23,
  int8: 20,
  text: 25,
  timestamptz: 1184,
  uuid: 2950,
} as const

function allocate(oid: number, count: number, elementBytes: number, hasNull: boolean): Buffer {
  const buffer = Buffer.allocUnsafe(count === 0 ? 12 : HEADER_BYTES + elementBytes + count * 4)
  buffer.writeInt32BE(count === 0 ? 0 : 1, 0)
  buffer.writeInt32BE(hasNull ? 1 : 0, 4)
  buffer.writeInt32BE(oid, 8)
  if (count > 0) {
    buffer.writeInt32BE(count, 12)
    buffer.writeInt32BE(1, 16)
  }
  return buffer
}

function fixed<T>(oid: number, bytes: number, write: (buffer: Buffer, value: T, offset: number) => void) {
  return (values: readonly (T | null | undefined)[]): Buffer => {
    let nulls = 0
    for (const value of values) if (value == null) nulls++
    const buffer = allocate(oid, values.length, (values.length - nulls) * bytes, nulls > 0)
    let offset = HEADER_BYTES
    for (const value of values) {
      if (value == null) {
        offset = buffer.writeInt32BE(-1, offset)
        continue
      }
      offset = buffer.writeInt32BE(bytes, offset)
      write(buffer, value, offset)
      offset += bytes
    }
    return buffer
  }
}

/** Microseconds between the Unix epoch and Postgres' own, 2000-01-01. */
const EPOCH_MS = 946_684_800_000

export const int2Array = fixed<number>(OID.int2, 2, (buffer, value, offset) =>
  buffer.writeInt16BE(value, offset),
)
export const int4Array = fixed<number>(OID.int4, 4, (buffer, value, offset) =>
  buffer.writeInt32BE(value, offset),
)
export const int8Array = fixed<number>(OID.int8, 8, (buffer, value, offset) =>
  buffer.writeBigInt64BE(BigInt(value), offset),
)
export const timestamptzArray = fixed<Date>(OID.timestamptz, 8, (buffer, value, offset) =>
  buffer.writeBigInt64BE(BigInt(value.getTime() - EPOCH_MS) * 1000n, offset),
)
export const uuidArray = fixed<string>(OID.uuid, 16, (buffer, value, offset) => {
  buffer.write(value.replaceAll('-', ''), offset, 16, 'hex')
})

function byteLength(value: string | Buffer): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length
}

function variable(oid: number) {
  return (values: readonly (string | Buffer | null | undefined)[]): Buffer => {
    const lengths = new Array<number>(values.length)
    let total = 0
    let hasNull = false
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      const length = value == null ? -1 : byteLength(value)
      lengths[i] = length
      if (length < 0) hasNull = true
      else total += length
    }
    const buffer = allocate(oid, values.length, total, hasNull)
    let offset = HEADER_BYTES
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      const length = lengths[i] ?? -1
      offset = buffer.writeInt32BE(length, offset)
      if (value == null) continue
      if (typeof value === 'string') buffer.write(value, offset, length, 'utf8')
      else value.copy(buffer, offset)
      offset += length
    }
    return buffer
  }
}

export const textArray = variable(OID.text)
export const byteaArray = variable(OID.bytea)
