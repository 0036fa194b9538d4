import { Settings } from '@lettergate/contracts/settings/settings'
import { readSettings } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Shows the tenant's choices for all its mail. */
export function addGetSettingsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/settings', {
    config: { scope: 'settings:read' },
    schema: {
      operationId: 'getSettings',
      summary: 'Read your settings',
      description: 'Choices that hold for all your mail, of live and test keys.',
      tags: ['Settings'],
      response: { 200: answer('The settings.', Settings), ...problemAnswers(401, 403, 503) },
    },
    handler: (request): Promise<Settings> => readSettings(deps, tenantOf(request).tenantId),
  })
}
