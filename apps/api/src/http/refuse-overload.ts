import { Problem } from '@lettergate/contracts/problems/problems'
import type { FastifyInstance, onRequestHookHandler } from 'fastify'
import type { ApiDeps } from '../deps.ts'

/** Sends that wait to be stored or are being stored: two full batches. */
const WAITING_MAX = 500
/** How long a refusal is held back. Its client sends nothing meanwhile, so the processor time is used for accepted sends. */
const HOLD_MS = 1_000
/** Bounds memory: Node reads at most 64 kB of the body of each held request. */
const HELD_MAX = 5_000

/**
 * Refuses sends while too many wait to be stored, before their key is checked and their body is read. Each refusal is held back for a
 * second: a client that repeats immediately would otherwise take processor time from accepting (decision 0017).
 */
export function refuseOverload(
  app: FastifyInstance,
  deps: {
    acceptor: Pick<ApiDeps['acceptor'], 'waiting'>
    metrics: Pick<ApiDeps['metrics'], 'countShed'>
    stopping: { readonly isClosing: boolean }
  },
  { holdMs = HOLD_MS, heldMax = HELD_MAX } = {},
): void {
  const refusal = new Problem('overloaded', {
    detail: 'Too many requests wait to be stored. Nothing was accepted; try again.',
    headers: { 'retry-after': '1' },
  })
  let held = 0

  const refuse: onRequestHookHandler = (request, _reply, done) => {
    if (deps.acceptor.waiting() < WAITING_MAX) return done()
    request.countAnswer = deps.metrics.countShed
    if (held >= heldMax || deps.stopping.isClosing) return done(refusal)
    held++
    setTimeout(() => {
      held--
      done(refusal)
    }, holdMs)
  }

  app.addHook('onRoute', (route) => {
    if (route.config?.accepts) route.onRequest = [refuse, ...[route.onRequest ?? []].flat()]
  })
}
