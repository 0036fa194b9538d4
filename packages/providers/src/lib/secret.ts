import { inspect } from 'node:util'
import { z } from 'zod'

const secretBytesMax = 4096

/** A value that no log, answer or error can show by accident: only `reveal` gives it out. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself: for the one line that signs or authenticates with it. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }

  [inspect.custom](): string {
    return '***'
  }
}

/** Whether both hold the same value. */
export function isSameSecret(one: Secret, other: Secret): boolean {
  return one.reveal() === other.reveal()
}

/** Schema of a credential: one line of text up to 4 kB that fits the pattern, wrapped so that it cannot leak. */
export function secret(description: string, pattern = /^/) {
  return z
    .string()
    .min(1)
    .refine((value) => Buffer.byteLength(value) <= secretBytesMax, `must be at most ${secretBytesMax} bytes`)
    .refine((value) => !hasControlCharacter(value), 'must not contain control characters')
    .regex(pattern, 'contains characters that it cannot have')
    .transform((value) => new Secret(value))
    .describe(description)
}

/** Whether a line break or another control character hides in a value that will be sent as one line. */
export function hasControlCharacter(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}
