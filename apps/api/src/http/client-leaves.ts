import type { FastifyReply } from 'fastify'

/** Aborts when the client leaves, so that its waiting ends. */
export function clientLeaves(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => controller.abort())
  return controller.signal
}
