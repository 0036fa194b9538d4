import { createHmac, type KeyObject, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

export type KeyMode = 'live' | 'test' | 'admin'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const CHECKSUM_CHARS = 6
/** 43 base62 characters hold the 256 random bits. */
const SHAPE = /^lg_(live|test|admin)_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$/

function base62(value: bigint, length: number): string {
  let text = ''
  for (let rest = value; text.length < length; rest /= 62n) text = ALPHABET[Number(rest % 62n)] + text
  return text
}

function checksum(text: string): string {
  return base62(BigInt(crc32(text)), CHECKSUM_CHARS)
}

/** A new random key: `lg_<mode>_`, 43 random characters, 6 of CRC32 over all before them. */
export function makeKey(mode: KeyMode): string {
  const body = `lg_${mode}_${base62(BigInt(`0x${randomBytes(32).toString('hex')}`), 43)}`
  return `${body}${checksum(body)}`
}

/** Whether this can be a key at all: a typing error or a scanner's guess is refused without asking the database. */
export function isWellFormedKey(key: string): boolean {
  return SHAPE.test(key) && checksum(key.slice(0, -CHECKSUM_CHARS)) === key.slice(-CHECKSUM_CHARS)
}

/** The part of a key that may be shown: its prefix and first four random characters. */
export function displayOf(key: string): string {
  return key.slice(0, key.lastIndexOf('_') + 5)
}

/** The stored form of a key, by which it is found. */
export function hashKey(pepper: KeyObject, key: string): Buffer {
  return createHmac('sha256', pepper).update(key).digest()
}

/** The number that a key names its pepper by, as `rootVersionOf` does for root keys. */
export function pepperVersionOf(pepper: KeyObject): number {
  return createHmac('sha256', pepper).update('pepper version').digest().readUInt32BE(0) >>> 1
}
