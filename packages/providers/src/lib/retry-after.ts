import type { HttpResponse } from '../provider.ts'
import { retryAfterMs } from './http.ts'

/** Fields, in lower case, by which a provider counts its rate down: calls that are left, and seconds until there are more. */
export type RateFields = { remaining: string; reset: string }

/** The same answer with a Retry-After, for a provider that gives its wait in another place; a present field is kept. */
export function withRetryAfter(response: HttpResponse, field: string | undefined): HttpResponse {
  if (field === undefined || response.headers['retry-after'] !== undefined) return response
  return { ...response, headers: { ...response.headers, 'retry-after': field } }
}

/** The same answer, which asks to wait until the period of the rate ends. */
export function withReset(response: HttpResponse, { reset }: RateFields): HttpResponse {
  return withRetryAfter(response, fieldOf(response, reset))
}

/** Adds the pause to the outcome of an accepted message that was the last of its rate. */
export function pauseAfter(response: HttpResponse, fields: RateFields, now: Date): { pauseMs?: number } {
  if (fieldOf(response, fields.remaining)?.trim() !== '0') return {}
  const pauseMs = retryAfterMs(withReset(response, fields), now)
  return pauseMs === undefined ? {} : { pauseMs }
}

function fieldOf({ headers }: HttpResponse, name: string): string | undefined {
  const field = headers[name]
  return Array.isArray(field) ? field[0] : field
}
