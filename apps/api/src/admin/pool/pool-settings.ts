import { PoolSettings, UpdatePoolSettingsRequest } from '@lettergate/contracts/pool/pool'
import { fromStorage, given } from '@lettergate/core/lib'
import { readPoolSetting, updatePoolSetting } from '@lettergate/core/pool'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

const config = { scope: 'admin' } as const
const tags = ['Shared pool']

/** What holds for the pool as a whole. */
export function addPoolSettingsRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/admin/pool/settings', {
    config,
    schema: {
      tags,
      operationId: 'getPoolSettings',
      summary: 'Read the settings of the shared pool',
      description:
        'The address for tenants without a domain, and when a tenant’s mail is stopped. Needs an operator key.',
      response: { 200: answer('The settings.', PoolSettings), ...problemAnswers(401, 403, 503) },
    },
    handler: (): Promise<PoolSettings> => fromStorage(readPoolSetting(deps.db)),
  })

  app.patch<{ Body: UpdatePoolSettingsRequest }>('/v1/admin/pool/settings', {
    config,
    schema: {
      tags,
      operationId: 'updatePoolSettings',
      summary: 'Change the settings of the shared pool',
      description:
        'Fields left out stay as they are. The change holds for every attempt that begins from now on. Needs an operator key.',
      body: UpdatePoolSettingsRequest,
      response: {
        200: answer('The settings as they are now.', PoolSettings),
        ...problemAnswers(400, 401, 403, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<PoolSettings> => {
      await fromStorage(updatePoolSetting(deps.db, given(request.body)))
      return fromStorage(readPoolSetting(deps.db))
    },
  })
}
