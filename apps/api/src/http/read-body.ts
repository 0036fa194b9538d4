import type { IncomingMessage } from 'node:http'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { BodyBudget } from './body-budget.ts'

/** Free of the budget for every request: small messages get in while large ones fill it. */
const FREE_BYTES = 64 * 1024
/** How long the rest of a refused body is read and dropped, so that its sender can receive the refusal. */
const LINGER_MS = 2_000

export type ReadBodyOptions = {
  bytesMax: number
  budget: BodyBudget
  /** Why no body of this caller is read now. */
  refusal?: Problem | null
}

function tooLarge(bytesMax: number): Problem {
  return new Problem('payload-too-large', { detail: `The body may have ${bytesMax} bytes at most.` })
}

/** Discards the remaining bytes for a while, then closes the connection: closing immediately would lose the answer by a reset. */
function linger(stream: IncomingMessage): void {
  stream.resume()
  const timer = setTimeout(() => {
    if (!stream.complete) stream.destroy()
  }, LINGER_MS).unref()
  stream.once('close', () => clearTimeout(timer))
}

/**
 * Reads a request's body within its limit and within the budget of the process. `taken` bytes of the budget belong
 * to the caller, who gives them back when the request has been answered; the chunks have `length` bytes.
 */
export function readBody(
  stream: IncomingMessage,
  { bytesMax, budget, refusal = null }: ReadBodyOptions,
  done: (error: Error | null, chunks: Buffer[] | null, taken: number, length: number) => void,
): void {
  const announced = Number(stream.headers['content-length'] ?? 0)
  const chunks: Buffer[] = []
  let length = 0
  let taken = 0

  function finish(error: Error | null): void {
    stream.off('data', onData)
    stream.off('end', onEnd)
    stream.off('error', onError)
    if (error) {
      // A connection that breaks while it lingers must not become an uncaught error.
      stream.on('error', () => {})
      budget.give(taken)
      taken = 0
      if (!stream.destroyed) linger(stream)
    }
    done(error, error ? null : chunks, taken, length)
  }
  function onData(chunk: Buffer): void {
    length += chunk.length
    if (length > bytesMax) {
      finish(tooLarge(bytesMax))
      return
    }
    const wanted = Math.max(0, length - FREE_BYTES) - taken
    if (wanted > 0) {
      if (!budget.take(wanted)) {
        finish(new Problem('overloaded', { headers: { 'retry-after': '1' } }))
        return
      }
      taken += wanted
    }
    chunks.push(chunk)
  }
  function onEnd(): void {
    finish(null)
  }
  function onError(error: Error): void {
    finish(error)
  }

  if (refusal || announced > bytesMax) {
    finish(refusal ?? tooLarge(bytesMax))
    return
  }
  stream.on('data', onData)
  stream.on('end', onEnd)
  stream.on('error', onError)
}
