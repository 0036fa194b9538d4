import type { UpdateConnectionRequest } from '@lettergate/contracts/connections/requests'
import { FaultList } from '@lettergate/contracts/problems/faults'
import { Problem } from '@lettergate/contracts/problems/problems'
import { fromStorage } from '../lib/index.ts'
import {
  type ConnectionDeps,
  type ConnectionState,
  checkGiven,
  findProvider,
  readConnection,
  toStoredLimits,
} from './connections.ts'
import { mendConnection } from './sql/reset-health.ts'
import { updateConnection as updateRow } from './sql/update-connection.ts'
import { leadsElsewhere } from './target-changed.ts'

/** Each time somebody else has changed the settings in between. */
const TRIES_MAX = 10

function credentialsRequired(): Problem {
  const faults = new FaultList()
  faults.add(
    ['credentials'],
    'are required with settings that lead to another server or protect the way there less: stored ones are not taken there. Give ' +
      'all credentials in the same request',
  )
  return faults.toProblem()
}

/**
 * Changes a connection. Workers use the change for every message that they load from now on; hand-offs under way end as they
 * began. Stored credentials stay with the servers that they were given for.
 */
export async function updateConnection(
  deps: ConnectionDeps,
  tenantId: string,
  id: string,
  request: UpdateConnectionRequest,
): Promise<ConnectionState> {
  const { settings, credentials } = request
  const limits = request.limits === undefined ? undefined : toStoredLimits(request.limits)
  const place = { tenantId, table: 'connection', id } as const
  const isMending = settings !== undefined || credentials !== undefined
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const before = await readConnection(deps, tenantId, id)
    const mayUseStored = settings === undefined || credentials !== undefined
    if (isMending) {
      const provider = findProvider(deps, before.provider)
      // Once: its provider stays the same, and the DNS may take its time.
      if (tries === 0) await checkGiven(deps, provider, { settings, credentials })
      if (!mayUseStored && leadsElsewhere(provider, before.settings, settings)) throw credentialsRequired()
    }
    const write = async () => {
      const change = {
        ...request,
        limits,
        credentials: credentials && (await deps.sealer.sealCredentials(place, credentials)),
        // Judged by these: whoever led it elsewhere meanwhile did so with other credentials.
        ifSettings: mayUseStored ? undefined : before.settings,
      }
      return deps.tenants.forTenant(tenantId).transaction(async (client) => {
        const isThere = await updateRow(client, tenantId, id, change)
        if (isThere && isMending) await mendConnection(client, tenantId, id, 'changed')
        return isThere
      })
    }
    if (await fromStorage(write())) return readConnection(deps, tenantId, id)
  }
  throw new Problem('overloaded', {
    detail: 'Others are changing the settings of this connection at the same time.',
    headers: { 'retry-after': '1' },
  })
}
