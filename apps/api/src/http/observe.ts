import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { BodyBudget } from './body-budget.ts'
import type { Metrics } from './metrics.ts'
import { shownPath } from './shown-path.ts'

export type Observation = {
  metrics: Metrics
  logger: Logger
  budget: BodyBudget
  stopping: { readonly isClosing: boolean }
}

/**
 * The work for every answer, in one hook because each hook has a cost on the hot path: its request id, the end of its
 * connection while the process ends, the release of its share of the body budget, its count and its log line.
 * Fastify's own logging makes a child logger for each request; this writes only one line.
 */
export function addObservation(app: FastifyInstance, deps: Observation): void {
  const { metrics, logger, budget, stopping } = deps
  const countUnknown = metrics.answers('', 'unknown')

  app.addHook('onRoute', (route) => {
    const count = metrics.answers([route.method].flat().join(','), route.url)
    const isAccept = route.config?.accepts === true
    route.onRequest = [
      (request, _reply, done) => {
        request.arrivedAt = performance.now()
        request.countAnswer = count
        request.isAccept = isAccept
        done()
      },
      ...[route.onRequest ?? []].flat(),
    ]
  })

  app.addHook('onSend', (request, reply, _payload, done) => {
    reply.header('x-request-id', request.id)
    if (stopping.isClosing) reply.header('connection', 'close')
    if (request.bodyBytesTaken > 0) {
      budget.give(request.bodyBytesTaken)
      request.bodyBytesTaken = 0
    }
    const status = reply.statusCode
    const count = request.countAnswer ?? countUnknown
    count(status)
    if (request.isAccept && status === 202) {
      metrics.acceptSeconds.observe((performance.now() - request.arrivedAt) / 1000)
    }
    if (logger.isLevelEnabled('debug')) {
      const path = shownPath(request.raw.url ?? '')
      const ms = request.arrivedAt === 0 ? undefined : Math.round(performance.now() - request.arrivedAt)
      logger.debug({ request_id: request.id, method: request.method, path, status, ms }, 'answered')
    }
    done()
  })
}
