import { hash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Hook, HookVerdict } from '../provider.ts'
import { type Secret, secret } from './secret.ts'

/** A signed time may lie so far ahead: clocks differ. */
const aheadMsMax = 300_000
const headerCharsMax = 8_192

/** The one value of a field; undefined when it is missing, repeated or too long to be meant. */
export function headerOf(hook: Hook, name: string): string | undefined {
  const value = hook.headers[name]
  const only = Array.isArray(value) && value.length === 1 ? value[0] : value
  return typeof only === 'string' && only.length <= headerCharsMax ? only : undefined
}

/** Compares in the same time for any difference and any lengths. */
export function isSameText(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'))
}

/** Whether a signed time is at most `ageMsMax` old, and not of the future. */
export function isFresh(signedMs: number, now: Date, ageMsMax: number): boolean {
  const ageMs = now.getTime() - signedMs
  return ageMs <= ageMsMax && ageMs >= -aheadMsMax
}

/** Milliseconds of a time in whole seconds since 1970, as signatures cover it; NaN when it is none. */
export function secondsToMs(seconds: string): number {
  return /^\d{1,11}$/.test(seconds) ? Number(seconds) * 1000 : Number.NaN
}

export function refused(reason: string): HookVerdict {
  return { kind: 'refused', reason }
}

export type PasswordSecrets = { password: Secret }

/** For providers that sign nothing. */
export const passwordSecrets: z.ZodType<PasswordSecrets> = z.strictObject({
  password: secret('Password that the provider sends along with every event', /^[\x21-\x7e]{16,}$/),
})

/** The name beside the password, where one is needed. */
export const hookUser = 'lettergate'
export const hookHeader = 'X-Lettergate-Secret'

/** Accepts the password as that of basic authentication, as a bearer token, or in a field of its own. */
export function verifyPassword(hook: Hook, secrets: readonly PasswordSecrets[]): HookVerdict {
  const given = [headerOf(hook, hookHeader.toLowerCase()), passwordIn(headerOf(hook, 'authorization'))]
  const isRight = given.some(
    (text) => text !== undefined && secrets.some(({ password }) => isSameText(text, password.reveal())),
  )
  return isRight ? { kind: 'verified' } : refused('the password of the events is missing or wrong')
}

function passwordIn(authorization = ''): string | undefined {
  const [scheme = '', value = ''] = authorization.split(' ', 2)
  if (/^bearer$/i.test(scheme)) return value
  if (!/^basic$/i.test(scheme)) return undefined
  const pair = Buffer.from(value, 'base64').toString()
  const colon = pair.indexOf(':')
  return colon >= 0 ? pair.slice(colon + 1) : undefined
}
