import { UpdateConnectionRequest } from '@lettergate/contracts/connections/requests'
import { Connection } from '@lettergate/contracts/connections/responses'
import { updateConnection } from '@lettergate/core/connections'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentConnection } from './present-connection.ts'

/** Changes a connection, except its provider. */
export const updateConnectionRoute = tenantRoute('PATCH', '/v1/connections/:id', {
  scope: 'connections:write',
  liveOnly: true,
  takesLong: true,
  operationId: 'updateConnection',
  summary: 'Change a connection',
  description:
    'Fields left out stay as they are; `settings`, `credentials` and `limits` are replaced as a whole. The change holds for ' +
    'every attempt that begins from now on; revoke old credentials at the provider a minute later. Messages that failed or ' +
    'waited because of the old settings or credentials are retried within seconds. Settings that lead to another server ' +
    '(host, port or address), or that weaken the encryption, need `credentials` in the same request: 422 without. Needs a live key.',
  id: 'con',
  body: UpdateConnectionRequest,
  answers: { 200: answer('The connection as it is now.', Connection) },
  handler: async ({ deps, tenantId, id, body }) =>
    presentConnection(await updateConnection(deps, tenantId, id, body)),
})
