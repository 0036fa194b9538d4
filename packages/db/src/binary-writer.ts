const FIRST_BYTES = 8_192
const UTF8_BYTES_MAX = 3

/** Writes numbers, text and bytes one after the other, as Postgres' binary formats have them. */
export class RowWriter {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES)
  #at = 0

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }

  int2(value: number): void {
    this.#reserve(2)
    this.#at = this.#buffer.writeInt16BE(value, this.#at)
  }

  int4(value: number): void {
    this.#reserve(4)
    this.#at = this.#buffer.writeInt32BE(value, this.#at)
  }

  int8(value: bigint): void {
    this.#reserve(8)
    this.#at = this.#buffer.writeBigInt64BE(value, this.#at)
  }

  float8(value: number): void {
    this.#reserve(8)
    this.#at = this.#buffer.writeDoubleBE(value, this.#at)
  }

  uuid(value: string): void {
    this.#reserve(16)
    this.#at += this.#buffer.write(value.replaceAll('-', ''), this.#at, 'hex')
  }

  /** With its length before it. */
  text(value: string): void {
    this.#reserve(4 + value.length * UTF8_BYTES_MAX)
    const bytes = this.#buffer.write(value, this.#at + 4, 'utf8')
    this.#buffer.writeInt32BE(bytes, this.#at)
    this.#at += 4 + bytes
  }

  /** With its length before it. */
  bytes(value: Buffer): void {
    this.#reserve(4 + value.length)
    this.#buffer.writeInt32BE(value.length, this.#at)
    this.#at += 4 + value.copy(this.#buffer, this.#at + 4)
  }

  /** Leaves room for a length, and returns its place; `close` writes the length when the counted bytes are there. */
  open(): number {
    this.int4(0)
    return this.#at
  }

  close(start: number): void {
    this.#buffer.writeInt32BE(this.#at - start, start - 4)
  }

  written(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }
}
