import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import { connectReason } from './connect.ts'
import { NetworkFailure } from './network-failure.ts'

const defaultTimeoutMs = 30_000
const defaultAnswerBytesMax = 1024 * 1024
/** A larger body is sent piece by piece: encrypting 35 MB in one step blocks the thread, and a slow reader makes a second copy of it. */
const pieceBytes = 128 * 1024

export type HttpRequest = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  headers: Record<string, string>
  body?: string | Buffer
}
export type HttpResponse = {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}
export type HttpLimits = {
  signal?: AbortSignal | undefined
  timeoutMs?: number
  /** A longer answer is a failure. */
  answerBytesMax?: number
  /** Of a longer answer the beginning is enough: the rest is not waited for. */
  answerBytesWanted?: number
}

type Answer = { resolve: (response: HttpResponse) => void; reject: (failure: NetworkFailure) => void }

/** One exchange over the pool: a single request, a whole answer within the limits, or a `NetworkFailure`. */
export function sendRequest(
  dispatcher: Dispatcher,
  request: HttpRequest,
  limits: HttpLimits,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const { origin, pathname, search } = new URL(request.url)
    const exchange = new Exchange(limits, { resolve, reject })
    if (exchange.over) return
    const { method, body = null } = request
    const isLarge = typeof body === 'object' && body !== null && body.length > 2 * pieceBytes
    const headers = isLarge ? { ...request.headers, 'Content-Length': String(body.length) } : request.headers
    const sent = isLarge ? Readable.from(piecesOf(body), { objectMode: false }) : body
    dispatcher.dispatch({ origin, path: pathname + search, method, headers, body: sent }, exchange)
  })
}

async function* piecesOf(body: Buffer): AsyncGenerator<Buffer> {
  for (let from = 0; from < body.length; from += pieceBytes) {
    yield body.subarray(from, from + pieceBytes)
    await turn()
  }
}

/** Follows one exchange. Undici's own timeouts never fire while bytes drip in, so a timer bounds the whole of it. */
class Exchange implements Dispatcher.DispatchHandler {
  over = false
  readonly #answer: Answer
  readonly #signal: AbortSignal | undefined
  readonly #answerBytesMax: number
  readonly #answerBytesWanted: number | undefined
  readonly #timer: NodeJS.Timeout
  readonly #onAbort = () => this.#fail('given up before an answer came')
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #status = 0
  #headers: HttpResponse['headers'] = {}
  // Undici gives it just before it writes the first byte. On a reused connection that may be a write into a socket
  // which the other side has closed already, but nothing can show that, so from here on the request counts as sent.
  #started: Dispatcher.DispatchController | undefined

  constructor(limits: HttpLimits, answer: Answer) {
    this.#answer = answer
    this.#signal = limits.signal
    this.#answerBytesMax = limits.answerBytesMax ?? defaultAnswerBytesMax
    this.#answerBytesWanted = limits.answerBytesWanted
    this.#timer = setTimeout(
      () => this.#fail('no whole answer in time'),
      limits.timeoutMs ?? defaultTimeoutMs,
    )
    if (this.#signal?.aborted) this.#onAbort()
    else this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.over) controller.abort(new Error('given up'))
    else this.#started = controller
  }

  onResponseStart(_controller: unknown, status: number, headers: HttpResponse['headers']): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#answerBytesWanted !== undefined && this.#bytes > this.#answerBytesWanted) {
      this.#chunks.push(chunk)
      this.onResponseEnd()
      this.#started?.abort(new Error('the rest of the answer is not wanted'))
    } else if (this.#bytes > this.#answerBytesMax)
      this.#fail(`answer longer than ${this.#answerBytesMax} bytes`)
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (!this.#end()) return
    const [first, ...more] = this.#chunks
    const body = first && more.length === 0 ? first : Buffer.concat(this.#chunks)
    this.#answer.resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#fail(this.#started ? brokenReason(error) : connectReason(error), error)
  }

  #fail(reason: string, cause?: unknown): void {
    if (!this.#end()) return
    const bodySent = this.#started !== undefined
    const known = !bodySent && cause instanceof NetworkFailure
    this.#answer.reject(known ? cause : new NetworkFailure(reason, { bodySent, refused: false }, cause))
    this.#started?.abort(new Error(reason))
  }

  #end(): boolean {
    if (this.over) return false
    this.over = true
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    return true
  }
}

function brokenReason(error: Error): string {
  const code = 'code' in error ? String(error.code) : error.name
  return `connection broke before a whole answer came (${code})`
}
