import { createHash, hash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { asBuffer, encodeLarge, LARGE_BYTES_MIN } from './encode-large.ts'

/** Bytes that are in a JSON body as base64. */
export class Base64 {
  readonly base64Of: Uint8Array
  constructor(bytes: Uint8Array) {
    this.base64Of = bytes
  }
  toJSON(): string {
    return asBuffer(this.base64Of).toString('base64')
  }
}

/** Bytes that are in a JSON body as text, a character for each byte. */
export class Latin1 {
  readonly latin1Of: readonly Uint8Array[]
  constructor(...parts: Uint8Array[]) {
    this.latin1Of = parts
  }
  toJSON(): string {
    return this.latin1Of.map((part) => asBuffer(part).toString('latin1')).join('')
  }
}

/** The text of a `Base64` or `Latin1` that came from another thread, and so has lost its class. */
export function textOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if ('base64Of' in value && value.base64Of instanceof Uint8Array) return new Base64(value.base64Of).toJSON()
  if (!('latin1Of' in value) || !Array.isArray(value.latin1Of)) return undefined
  return new Latin1(...value.latin1Of.filter((part) => part instanceof Uint8Array)).toJSON()
}

/** A JSON body; one that weighs much (`encodeWeight`) is written by another thread, so that other mail does not wait for it. */
export async function toJsonBody(value: object, weight: number): Promise<string | Buffer> {
  return weight < LARGE_BYTES_MIN ? JSON.stringify(value) : await encodeLarge({ kind: 'json', value })
}

/** A body that is the base64 of these bytes, and nothing else. */
export async function toBase64Body(bytes: Buffer): Promise<string | Buffer> {
  return bytes.length < LARGE_BYTES_MIN
    ? bytes.toString('base64')
    : await encodeLarge({ kind: 'base64', bytes })
}

const HASHED_BYTES = 512 * 1024

/** SHA-256 in hexadecimal, of a large body piece by piece, with others' turns between. */
export async function hashBody(body: string | Buffer): Promise<string> {
  if (typeof body === 'string') return hash('sha256', body)
  const digest = createHash('sha256')
  for (let from = 0; from < body.length; from += HASHED_BYTES) {
    digest.update(body.subarray(from, from + HASHED_BYTES))
    await turn()
  }
  return digest.digest('hex')
}
