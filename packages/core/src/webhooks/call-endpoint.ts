import type { TenantEgress } from '@lettergate/egress/egress'

/** Receivers that need longer are to answer first and work afterwards. */
const CALL_MS_MAX = 15_000
const SHOWN_BYTES = 1_024
/** The status decides; a connection whose answer is read to its end can be used again. */
const READ_BYTES = 65_536

export type EndpointCall = {
  url: string
  /** Those of the tenant and those that sign the body. */
  headers: Readonly<Record<string, string>>
  body: string | Buffer
  /** Absent: JSON. */
  contentType?: string
}

export type EndpointAnswer = {
  /** Null: there was no answer. */
  status: number | null
  ms: number
  /** Why there was none. */
  error: string | null
  /** The first kilobyte. */
  answer: string | null
  /** Of the answer's Retry-After field, as it came. */
  retryAfter: string | null
}

function errorText(error: unknown): string {
  if (error instanceof Error && 'reason' in error && typeof error.reason === 'string') return error.reason
  throw error
}

/** Whole characters only, and none that a terminal or a database would not take. */
function shown(body: Buffer): string | null {
  const text = body
    .subarray(0, SHOWN_BYTES)
    .toString('utf8')
    .replaceAll('\u0000', '')
    .replace(/\uFFFD+$/, '')
  return text === '' ? null : text
}

/**
 * One POST, checked by the egress guard when it connects; redirects are not followed. Throws only if the process is at fault: whatever
 * the receiver does is an answer.
 */
export async function callEndpoint(
  egress: Pick<TenantEgress, 'request'>,
  { url, headers, body, contentType = 'application/json' }: EndpointCall,
  signal?: AbortSignal,
): Promise<EndpointAnswer> {
  const startedAt = performance.now()
  const ms = () => Math.round(performance.now() - startedAt)
  try {
    const response = await egress.request(
      {
        method: 'POST',
        url,
        headers: {
          ...headers,
          'content-type': contentType,
          'user-agent': 'Lettergate-Webhooks/1',
        },
        body,
      },
      { timeoutMs: CALL_MS_MAX, answerBytesWanted: READ_BYTES, ...(signal && { signal }) },
    )
    const retryAfter = response.headers['retry-after']
    return {
      status: response.status,
      ms: ms(),
      error: null,
      answer: shown(response.body),
      retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
    }
  } catch (error) {
    return { status: null, ms: ms(), error: errorText(error), answer: null, retryAfter: null }
  }
}
