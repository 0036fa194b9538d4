import { DataJob, ErasureRequest } from '@lettergate/contracts/data-life/data-life'
import { startErasureOfAll } from '@lettergate/core/data-life'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentDataJob } from '../../v1/data-life/present-job.ts'
import { FILES } from './files.ts'

/** Erases an address from the data of all tenants. */
export function addEraseForAllRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: ErasureRequest }>('/v1/admin/erasures', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'eraseAddressForAll',
      summary: 'Erase an address for all tenants',
      description: 'As the erasure of a tenant, in the data of all tenants. This cannot be undone.',
      tags: ['Operator'],
      body: ErasureRequest,
      response: {
        202: answer('A job erases the address.', DataJob),
        ...problemAnswers(400, 401, 403, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply) => {
      const job = presentDataJob(await startErasureOfAll(deps.db, request.body), FILES)
      return reply.code(202).header('location', `${FILES}/${job.id}`).send(job)
    },
  })
}
