import { Problem } from '@lettergate/contracts/problems/problems'
import { createBudget } from '@lettergate/core/deliver'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type File, sendPieces } from './send-pieces.ts'

export type AnswerBudget = {
  /** Reserves bytes of an answer until the release is called; throws the refusal when there is no room. */
  take(tenantId: string, bytes: number): () => void
  used(): number
}

/** Free of the budget: small answers are sent while any number of large ones is being read. */
const FREE_BYTES = 64 * 1024
const RETRY_AFTER = { 'retry-after': '2' }

function refusal(isOwn: boolean): Problem {
  return isOwn
    ? new Problem('rate-limited', {
        detail:
          'Large answers to your earlier requests are not read to their end yet. Read or close them, then repeat the request.',
        headers: RETRY_AFTER,
      })
    : new Problem('overloaded', {
        detail: 'Too many large answers are being sent now. Repeat the request after Retry-After.',
        headers: RETRY_AFTER,
      })
}

/**
 * Bounds the bytes that wait to be read by clients of this process, at any speed. A tenant gets half of them at most; one answer
 * that is larger than its share is sent alone.
 */
export function createAnswerBudget(bytesMax: number): AnswerBudget {
  const budget = createBudget(bytesMax, FREE_BYTES)
  return {
    take(tenantId, bytes) {
      const taken = budget.takeNow(tenantId, bytes)
      if (typeof taken === 'string') throw refusal(taken === 'own')
      return taken
    },
    used: budget.used,
  }
}

/** Public pages, and operators, share one part. */
function holderOf({ principal }: FastifyRequest): string {
  return principal === null || principal.mode === 'admin' ? '' : principal.tenantId
}

/** Calls `release` once the answer is out or its connection is gone. */
export function whenAnswered(reply: FastifyReply, release: () => void): void {
  if (reply.raw.destroyed || reply.raw.writableFinished) release()
  else reply.raw.once('close', release)
}

/** Counts every large answer that is made as a whole; what is streamed counts itself. */
export function addAnswerBudget(app: FastifyInstance, budget: AnswerBudget): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const bytes = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload.length : 0
    if (bytes <= FREE_BYTES) return done()
    try {
      whenAnswered(reply, budget.take(holderOf(request), bytes))
      done()
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
    }
  })
}

const PIECE_BYTES = 64 * 1024

/** A socket never holds a second copy of all bytes. */
function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) yield bytes.subarray(from, from + PIECE_BYTES)
}

type Place = { deps: { answers: AnswerBudget }; tenantId: string; reply: FastifyReply }

/** Sends a file that `read` builds in memory, once `reserve` has found room for its bytes. */
export async function sendBytes(
  { deps, tenantId, reply }: Place,
  file: File,
  read: (reserve: (bytes: number) => void) => Promise<Buffer>,
): Promise<FastifyReply> {
  let release = () => {}
  const reserve = (bytes: number) => {
    release = deps.answers.take(tenantId, bytes)
  }
  // A client that leaves does not end the building: until then its memory counts.
  const bytes = await read(reserve).finally(() => whenAnswered(reply, () => release()))
  return sendPieces(reply.header('content-length', bytes.length), file, piecesOf(bytes))
}
