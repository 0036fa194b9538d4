import { z } from 'zod'
import type { HttpRequest, HttpResponse, Io, NetworkFailure, SendOutcome, Target } from '../provider.ts'
import type { FailureCode } from './failures.ts'
import { toFailure } from './to-failure.ts'

/** A provider's answers have a few kB; the longest, a list of an account's domains, some hundred. */
export const answerBytesMax = 256 * 1024

const retryAfterMinMs = 1_000
const retryAfterMaxMs = 3_600_000

/** One exchange with a provider's API, in which every network failure becomes an outcome. */
export async function exchange(
  io: Io,
  request: HttpRequest,
  toOutcome: (response: HttpResponse, now: Date) => SendOutcome,
): Promise<SendOutcome> {
  let response: HttpResponse
  try {
    response = await io.request({ answerBytesMax, ...request })
  } catch (error) {
    if (!isNetworkFailure(error)) throw error
    return toFailure(networkCode(error), error.reason)
  }
  return toOutcome(response, io.now())
}

/** Whether an error is one that `Io` throws, by its shape. */
export function isNetworkFailure(error: unknown): error is NetworkFailure {
  return error instanceof Error && 'bodySent' in error && 'reason' in error && 'refused' in error
}

/** The class of an exchange that came to nothing. */
export function networkCode(failure: NetworkFailure): FailureCode {
  if (failure.bodySent) return 'outcome-unknown'
  return failure.refused ? 'provider-egress-refused' : 'provider-unreachable'
}

/**
 * How long an answer asks to wait, between a second and an hour; undefined when it does not say, or not readably.
 * Seconds or an HTTP date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function retryAfterMs(response: HttpResponse, now: Date): number | undefined {
  const field = response.headers['retry-after']
  const text = (Array.isArray(field) ? field[0] : field)?.trim()
  if (!text) return undefined
  const waitMs = /^-?\d+$/.test(text) ? Number(text) * 1000 : parseHttpDate(text) - now.getTime()
  if (Number.isNaN(waitMs)) return undefined
  return Math.min(Math.max(waitMs, retryAfterMinMs), retryAfterMaxMs)
}

/** Stricter than `Date.parse`, which reads "try 40" as a day in 2040. */
function parseHttpDate(text: string): number {
  return /^[A-Za-z]{3,9},? .*\d{2}:\d{2}:\d{2}/.test(text) ? Date.parse(text) : Number.NaN
}

/** Schema of a provider's address: an origin with an optional path and nothing else. */
export const baseUrl = z
  .string()
  .max(2048)
  .refine((text) => parseBaseUrl(text) !== null, 'must be an http(s) URL without user, query or fragment')
  .transform((text) => text.replace(/(?<!\/)\/+$/, ''))

function parseBaseUrl(text: string): URL | null {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) return null
  return url.username || url.password || /[?#\s]/.test(text) ? null : url
}

/** The egress target behind an http(s) URL. */
export function urlTarget(text: string): Target {
  const url = new URL(text)
  const scheme = url.protocol === 'http:' ? 'http' : 'https'
  return { host: url.hostname, port: Number(url.port) || (scheme === 'http' ? 80 : 443), scheme }
}
