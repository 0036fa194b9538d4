import { DeleteConnectionQuery } from '@lettergate/contracts/connections/requests'
import { ConnectionDeleted } from '@lettergate/contracts/connections/responses'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { deleteConnection } from '@lettergate/core/connections'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Removes a connection and its credentials for good. */
export const deleteConnectionRoute = tenantRoute('DELETE', '/v1/connections/:id', {
  scope: 'connections:write',
  liveOnly: true,
  operationId: 'deleteConnection',
  summary: 'Delete a connection',
  description:
    'Deletes the connection and its credentials. Waiting messages that name it are sent through your other connections, ' +
    'unless `queued` says otherwise; messages that are being sent now are not stopped. The connection is removed from routes, and ' +
    'a route that had no other target is disabled. A registration of its events is undone at the provider. ' +
    'With very many messages the answer may be 503 before the work is done: repeat the request to continue. Needs a live key.',
  id: 'con',
  query: DeleteConnectionQuery,
  answers: { 200: answer('The connection is deleted.', ConnectionDeleted) },
  handler: async ({ deps, tenantId, id, query }) => {
    const { queued } = query
    const unregister = await deps.registrar.beforeDelete(tenantId, id)
    const { messages, disabledRoutes } = await deleteConnection(deps, tenantId, id, queued)
    // Nobody waits for the provider. If it does not answer, its events are refused from now on.
    unregister()
    const routes = disabledRoutes.map((route) => toPublicId('rte', route))
    return { id: toPublicId('con', id), queued, messages, disabled_routes: routes }
  },
})
