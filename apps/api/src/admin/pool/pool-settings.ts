import { PoolSettings, UpdatePoolSettingsRequest } from '@lettergate/contracts/pool/pool'
import { fromStorage, given } from '@lettergate/core/lib'
import { readPoolSetting, updatePoolSetting } from '@lettergate/core/pool'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Shows what holds for the pool as a whole. */
export const getPoolSettingsRoute = operatorRoute('GET', '/v1/admin/pool/settings', {
  operationId: 'getPoolSettings',
  summary: 'Read the settings of the shared pool',
  description:
    'The address for tenants without a domain, and when a tenant’s mail is stopped. Needs an operator key.',
  answers: { 200: answer('The settings.', PoolSettings) },
  handler: ({ deps }) => fromStorage(readPoolSetting(deps.db)),
})

/** Changes what holds for the pool as a whole. */
export const updatePoolSettingsRoute = operatorRoute('PATCH', '/v1/admin/pool/settings', {
  operationId: 'updatePoolSettings',
  summary: 'Change the settings of the shared pool',
  description:
    'Fields left out stay as they are. The change holds for every attempt that begins from now on. Needs an operator key.',
  body: UpdatePoolSettingsRequest,
  answers: { 200: answer('The settings as they are now.', PoolSettings) },
  handler: async ({ deps, body }) => {
    await fromStorage(updatePoolSetting(deps.db, given(body)))
    return fromStorage(readPoolSetting(deps.db))
  },
})
