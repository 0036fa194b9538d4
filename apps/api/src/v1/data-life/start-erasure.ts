import { DataJob, ErasureRequest } from '@lettergate/contracts/data-life/data-life'
import { startErasure } from '@lettergate/core/data-life'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentDataJob } from './present-job.ts'

/** Erases an address from all that a tenant has. */
export function addStartErasureRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: ErasureRequest }>('/v1/erasures', {
    config: { scope: 'settings:write', liveOnly: true },
    schema: {
      operationId: 'eraseAddress',
      summary: 'Erase an address',
      description:
        'Answers a job that erases an address from all your data of both modes. This cannot be undone. Mail that waits for the address is cancelled ' +
        'first. Content of messages to and from it is deleted, and everywhere else a hash takes its place. An address on a suppression list ' +
        'stays suppressed. The job is the receipt, and is kept for three years.',
      tags: ['Data'],
      body: ErasureRequest,
      response: {
        202: answer('A job erases the address.', DataJob),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply) => {
      const { tenantId } = tenantOf(request)
      const job = presentDataJob(await startErasure(deps.tenants.forTenant(tenantId), tenantId, request.body))
      return reply.code(202).header('location', `/v1/erasures/${job.id}`).send(job)
    },
  })
}
