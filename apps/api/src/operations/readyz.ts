import { Problem } from '@lettergate/contracts/problems/problems'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../deps.ts'
import { answer, problemAnswers } from '../http/schemas.ts'

const Readiness = z.object({ status: z.literal('ready').describe('Requests are welcome.') })

/** Whether requests are welcome here: not while the process drains, nor while the database does not answer. */
export function addReadyzRoute(app: FastifyInstance, { readiness, stopping }: ApiDeps): void {
  app.get('/readyz', {
    config: { public: true },
    schema: {
      operationId: 'getReadiness',
      summary: 'Readiness',
      description: 'Whether this process can take requests now; load balancers ask it.',
      tags: ['Operations'],
      security: [],
      response: { 200: answer('Requests are welcome.', Readiness), ...problemAnswers(414, 503) },
    },
    handler: async () => {
      if (stopping.isDraining) throw new Problem('overloaded', { detail: 'This process is stopping.' })
      if (!(await readiness.answers())) {
        throw new Problem('storage-unavailable', {
          detail: 'The storage does not answer.',
          headers: { 'retry-after': '2' },
        })
      }
      return { status: 'ready' }
    },
  })
}
