import type { Dispatcher } from 'undici'
import { connectReason } from './connect.ts'
import { NetworkFailure } from './network-failure.ts'

const defaultTimeoutMs = 30_000
const defaultAnswerBytesMax = 1024 * 1024

export type HttpRequest = {
  method: 'GET' | 'POST'
  url: string
  headers: Record<string, string>
  body?: string | Buffer
}
export type HttpResponse = {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}
export type HttpLimits = { signal?: AbortSignal | undefined; timeoutMs?: number; answerBytesMax?: number }

/**
 * One exchange over the pool. Whether the other side may have acted is decided by one fact: undici announces a request
 * just before it writes the first byte of it. On a reused connection that may be a write into a socket which the other
 * side has closed already, but nothing can show that, so it counts as sent.
 */
export function sendRequest(
  dispatcher: Dispatcher,
  request: HttpRequest,
  limits: HttpLimits,
): Promise<HttpResponse> {
  const { origin, pathname, search } = new URL(request.url)
  const answerBytesMax = limits.answerBytesMax ?? defaultAnswerBytesMax
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined
    let settled = false
    let status = 0
    let headers: HttpResponse['headers'] = {}
    const chunks: Buffer[] = []
    let bytes = 0

    const settle = () => {
      settled = true
      clearTimeout(timer)
      limits.signal?.removeEventListener('abort', onAbort)
    }
    const fail = (reason: string, cause?: unknown) => {
      if (settled) return
      settle()
      reject(failure(reason, controller !== undefined, cause))
      controller?.abort(new Error(reason))
    }
    const onAbort = () => fail('given up before an answer came')
    const timer = setTimeout(() => fail('no whole answer in time'), limits.timeoutMs ?? defaultTimeoutMs)
    if (limits.signal?.aborted) return onAbort()
    limits.signal?.addEventListener('abort', onAbort, { once: true })

    dispatcher.dispatch(
      {
        origin,
        path: pathname + search,
        method: request.method,
        headers: request.headers,
        ...(request.body !== undefined && { body: request.body }),
      },
      {
        onRequestStart(started) {
          if (settled) started.abort(new Error('given up'))
          else controller = started
        },
        onResponseStart(_controller, statusCode, fields) {
          status = statusCode
          headers = fields
        },
        onResponseData(_controller, chunk) {
          bytes += chunk.length
          if (bytes > answerBytesMax) fail(`answer longer than ${answerBytesMax} bytes`)
          else chunks.push(chunk)
        },
        onResponseEnd() {
          if (settled) return
          settle()
          resolve({
            status,
            headers,
            body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks),
          })
        },
        onResponseError(_controller, error) {
          fail(controller ? brokenReason(error) : connectReason(error), error)
        },
      },
    )
  })
}

function failure(reason: string, bodySent: boolean, cause: unknown): NetworkFailure {
  if (!bodySent && cause instanceof NetworkFailure) return cause
  return new NetworkFailure(reason, { bodySent, refused: false }, cause)
}

function brokenReason(error: Error): string {
  const code = 'code' in error ? String(error.code) : error.name
  return `connection broke before a whole answer came (${code})`
}
