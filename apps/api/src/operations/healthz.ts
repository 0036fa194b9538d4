import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { answer, problemAnswers } from '../http/schemas.ts'

const Health = z.object({ status: z.literal('ok').describe('The process runs and answers.') })

/** Whether the process is alive; calls no other service, so that a database outage restarts no api. */
export function addHealthzRoute(app: FastifyInstance): void {
  app.get('/healthz', {
    config: { public: true },
    schema: {
      operationId: 'getHealth',
      summary: 'Liveness',
      description: 'Whether the process runs. Says nothing about the database: see /readyz.',
      tags: ['Operations'],
      security: [],
      response: { 200: answer('The process runs.', Health), ...problemAnswers(414) },
    },
    handler: () => ({ status: 'ok' }),
  })
}
