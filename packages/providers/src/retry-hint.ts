import type { HttpResponse } from './provider.ts'

/** The same answer with a Retry-After, for a provider that says its wait elsewhere; a field that is there stands. */
export function withRetryAfter(response: HttpResponse, field: string | undefined): HttpResponse {
  if (field === undefined || response.headers['retry-after'] !== undefined) return response
  return { ...response, headers: { ...response.headers, 'retry-after': field } }
}
