import { ConnectionDeleted } from '@lettergate/contracts/connections/responses'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { deleteConnection } from '@lettergate/core/connections'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Removes a connection of the pool and its credentials for good. */
export const deletePoolConnectionRoute = operatorRoute('DELETE', '/v1/admin/pool/:id', {
  operationId: 'deletePoolConnection',
  summary: 'Remove a connection from the shared pool',
  description:
    'Deletes the connection and its credentials. No attempt that begins from now on uses it; those that are under way end. Waiting mail ' +
    'goes through the other connections, or is held. Needs an operator key.',
  id: 'con',
  answers: { 200: answer('The connection is deleted.', ConnectionDeleted) },
  handler: async ({ deps, id }) => {
    const queued = 'move' as const
    const unregister = await deps.registrar.beforeDelete(POOL_TENANT_ID, id)
    const { messages } = await deleteConnection(deps, POOL_TENANT_ID, id, queued)
    unregister()
    return { id: toPublicId('con', id), queued, messages, disabled_routes: [] }
  },
})
