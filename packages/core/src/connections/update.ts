import type { UpdateConnectionRequest } from '@lettergate/contracts/connections/requests'
import { Problem } from '@lettergate/contracts/problems/problems'
import { ValidationIssues } from '@lettergate/contracts/problems/validation-issues'
import { changeConnections, fromStorage, given, toJson } from '../lib/index.ts'
import {
  type ConnectionDeps,
  type ConnectionState,
  checkGiven,
  findProvider,
  readConnection,
  toStoredLimits,
} from './connections.ts'
import { resetHealth } from './sql/reset-health.ts'
import { targetChanged } from './target-changed.ts'

/** Retries after concurrent changes of the settings. */
const TRIES_MAX = 10

function credentialsRequired(): Problem {
  const issues = new ValidationIssues()
  issues.add(
    ['credentials'],
    'are required with settings that lead to another server or protect the way there less: stored ones are not taken there. Give ' +
      'all credentials in the same request',
  )
  return issues.toProblem()
}

/**
 * Changes a connection. Workers apply the change to every message loaded from now on; attempts in progress finish with the old settings.
 * Stored credentials are never sent to another server.
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
  // Nothing to change.
  if (Object.values(request).every((value) => value === undefined)) return readConnection(deps, tenantId, id)
  const resetsHealth = settings !== undefined || credentials !== undefined
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const before = await readConnection(deps, tenantId, id)
    const mayUseStored = settings === undefined || credentials !== undefined
    if (resetsHealth) {
      const provider = findProvider(deps, before.provider)
      // Once: its provider stays the same, and the DNS may take its time.
      if (tries === 0) await fromStorage(checkGiven(deps, tenantId, provider, { settings, credentials }))
      if (!mayUseStored && targetChanged(provider, before.settings, settings)) throw credentialsRequired()
    }
    const write = async () => {
      const sealed = credentials && (await deps.sealer.sealJson(place, credentials))
      const { name, priority, enabled } = request
      return changeConnections(deps.prisma, tenantId, async (db, dbNull) => {
        const { count } = await db.connection.updateMany({
          // The stored settings were judged: who changed them meanwhile did so with other credentials.
          where: {
            tenant_id: tenantId,
            id,
            ...(!mayUseStored && { settings: { equals: toJson(before.settings) } }),
          },
          data: {
            ...given({ name, priority, enabled, settings: settings && toJson(settings) }),
            ...given({ limits: limits === null ? dbNull : limits && toJson(limits) }),
            ...(sealed && {
              sealed_credentials: new Uint8Array(sealed.sealed),
              data_key_version: sealed.dataKeyVersion,
              // A trigger puts the database's time in its place.
              credentials_rotated_at: new Date(),
            }),
          },
        })
        if (count === 0) return false
        const reset = resetHealth(tenantId, id, 'changed')
        if (resetsHealth) await db.$executeRawUnsafe(reset.text, ...reset.values)
        return true
      })
    }
    if (await fromStorage(write())) return readConnection(deps, tenantId, id)
  }
  throw new Problem('overloaded', {
    detail: 'Others are changing the settings of this connection at the same time.',
    headers: { 'retry-after': '1' },
  })
}
