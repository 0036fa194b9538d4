import type { UpdateConnectionRequest } from '@lettergate/contracts/connection-requests'
import { Problem } from '@lettergate/contracts/problems'
import { updateCredentials } from '@lettergate/db/sql/connection-credentials-update'
import { updateConnection as updateRow } from '@lettergate/db/sql/connection-update'
import {
  type ConnectionDeps,
  type ConnectionState,
  checkGiven,
  findProvider,
  readConnection,
  toStoredLimits,
} from './connections.ts'
import { fromStorage } from './read-storage.ts'

/** Changes what a connection is called, where it leads and how much goes through it; hand-offs under way end as they began. */
export async function updateConnection(
  deps: ConnectionDeps,
  tenantId: string,
  id: string,
  request: UpdateConnectionRequest,
): Promise<ConnectionState> {
  const before = await readConnection(deps, tenantId, id)
  if (request.settings !== undefined) {
    checkGiven(deps, findProvider(deps, before.provider), { settings: request.settings })
  }
  const limits = request.limits === undefined ? undefined : toStoredLimits(request.limits)
  const db = deps.tenants.forTenant(tenantId)
  // Deleted meanwhile by somebody else.
  if (!(await fromStorage(updateRow(db, tenantId, id, { ...request, limits }))))
    throw new Problem('not-found')
  return readConnection(deps, tenantId, id)
}

/**
 * Puts new credentials in the place of the present ones. Workers use them for every message that they load from now on; a hand-off
 * under way ends with the old ones.
 */
export async function rotateCredentials(
  deps: ConnectionDeps,
  tenantId: string,
  id: string,
  credentials: unknown,
): Promise<ConnectionState> {
  const before = await readConnection(deps, tenantId, id)
  checkGiven(deps, findProvider(deps, before.provider), { credentials })
  const isThere = await fromStorage(
    (async () => {
      const sealed = await deps.sealer.sealCredentials({ tenantId, table: 'connection', id }, credentials)
      return updateCredentials(deps.tenants.forTenant(tenantId), tenantId, id, sealed)
    })(),
  )
  if (!isThere) throw new Problem('not-found')
  return readConnection(deps, tenantId, id)
}
