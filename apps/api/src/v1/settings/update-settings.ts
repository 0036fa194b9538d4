import { Settings, UpdateSettingsRequest } from '@lettergate/contracts/settings/settings'
import { updateSettings } from '@lettergate/core/tenants'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Changes the tenant's choices for all its mail. */
export const updateSettingsRoute = tenantRoute('PATCH', '/v1/settings', {
  scope: 'settings:write',
  liveOnly: true,
  operationId: 'updateSettings',
  summary: 'Change your settings',
  description:
    'Fields left out stay as they are. The change holds for every attempt that begins from now on; messages that wait for a ' +
    'connection are looked at again within seconds. Needs a live key.',
  body: UpdateSettingsRequest,
  answers: { 200: answer('The settings as they are now.', Settings) },
  handler: ({ deps, tenantId, body }) => updateSettings(deps, tenantId, body),
})
