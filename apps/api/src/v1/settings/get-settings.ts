import { Settings } from '@lettergate/contracts/settings/settings'
import { readSettings } from '@lettergate/core/tenants'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Shows the tenant's choices for all its mail. */
export const getSettingsRoute = tenantRoute('GET', '/v1/settings', {
  scope: 'settings:read',
  operationId: 'getSettings',
  summary: 'Read your settings',
  description: 'Choices that hold for all your mail, of live and test keys.',
  answers: { 200: answer('The settings.', Settings) },
  handler: ({ deps, tenantId }) => readSettings(deps, tenantId),
})
