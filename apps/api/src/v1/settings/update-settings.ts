import { Settings, UpdateSettingsRequest } from '@lettergate/contracts/settings/settings'
import { updateSettings } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Changes the tenant's choices for all its mail. */
export function addUpdateSettingsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.patch<{ Body: UpdateSettingsRequest }>('/v1/settings', {
    config: { scope: 'settings:write', liveOnly: true },
    schema: {
      operationId: 'updateSettings',
      summary: 'Change your settings',
      description:
        'Fields left out stay as they are. The change holds for every attempt that begins from now on; messages that wait for a ' +
        'connection are looked at again within seconds. Needs a live key.',
      tags: ['Settings'],
      body: UpdateSettingsRequest,
      response: {
        200: answer('The settings as they are now.', Settings),
        ...problemAnswers(400, 401, 403, 413, 415, 422, 503),
      },
    },
    handler: (request): Promise<Settings> => updateSettings(deps, tenantOf(request).tenantId, request.body),
  })
}
