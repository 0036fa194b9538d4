import { FaultList } from '@lettergate/contracts/faults'
import { newId } from '@lettergate/contracts/ids'
import { Problem } from '@lettergate/contracts/problems'
import type { CreateConnectionRequest } from '@lettergate/contracts/requests'
import { addSchemaFaults } from '@lettergate/contracts/schema-faults'
import { deleteConnectionRow } from '@lettergate/db/sql/connection-delete'
import { insertConnection } from '@lettergate/db/sql/connection-insert'
import { type ConnectionRow, listConnectionRows } from '@lettergate/db/sql/connection-list'
import type { Tenants } from '@lettergate/db/tenant-database'
import type { Egress } from '@lettergate/egress/egress'
import type { Provider } from '@lettergate/providers/provider'
import { fromStorage } from './read-storage.ts'
import type { Sealer } from './sealing.ts'

export type ConnectionDeps = {
  tenants: Tenants
  sealer: Sealer
  egress: Pick<Egress, 'checkTarget'>
  providers: Readonly<Record<string, Provider>>
}

function findProvider({ providers }: ConnectionDeps, id: string): Provider {
  const provider = Object.hasOwn(providers, id) ? providers[id] : undefined
  if (provider) return provider
  const faults = new FaultList()
  faults.add(['provider'], `is none of ${Object.keys(providers).join(', ')}`)
  throw faults.toProblem()
}

/** The provider judges what is its own; every fault is told at once, and no value is ever repeated in one. */
function readSettings(provider: Provider, request: CreateConnectionRequest): unknown {
  const faults = new FaultList()
  const settings = provider.settings.safeParse(request.settings)
  const credentials = provider.credentials.safeParse(request.credentials)
  if (!settings.success) addSchemaFaults(settings.error.issues, faults, undefined, ['settings'])
  if (!credentials.success) addSchemaFaults(credentials.error.issues, faults, undefined, ['credentials'])
  if (faults.found) throw faults.toProblem()
  return settings.data
}

function checkTargets(deps: ConnectionDeps, provider: Provider, settings: unknown): void {
  const faults = new FaultList()
  for (const target of provider.targets(settings)) {
    const verdict = deps.egress.checkTarget(target)
    if (!verdict.ok) faults.add(['settings'], verdict.reason, 'url-not-allowed')
  }
  if (faults.found) throw faults.toProblem()
}

/**
 * Stores a tenant's account at a provider. Credentials are sealed as they were given: what the provider's schema makes of
 * them is typed so that it cannot be written anywhere.
 */
export async function createConnection(
  deps: ConnectionDeps,
  tenantId: string,
  request: CreateConnectionRequest,
): Promise<ConnectionRow> {
  const provider = findProvider(deps, request.provider)
  const settings = readSettings(provider, request)
  checkTargets(deps, provider, settings)
  const id = newId()
  const place = { tenantId, table: 'connection', id } as const
  return fromStorage(
    (async () => {
      const { sealed, dataKeyVersion } = await deps.sealer.sealCredentials(place, request.credentials)
      const { name, priority } = request
      const row = { tenantId, id, provider: provider.id, name, priority, settings: request.settings }
      await insertConnection(deps.tenants.forTenant(tenantId), {
        ...row,
        sealedCredentials: sealed,
        dataKeyVersion,
      })
      return readConnection(deps, tenantId, id)
    })(),
  )
}

/** One connection of the tenant, without its credentials. */
export async function readConnection(
  deps: Pick<ConnectionDeps, 'tenants'>,
  tenantId: string,
  id: string,
): Promise<ConnectionRow> {
  const [row] = await fromStorage(listConnectionRows(deps.tenants.forTenant(tenantId), tenantId, id))
  if (!row) throw new Problem('not-found')
  return row
}

/** All connections of the tenant, in the order in which they are used. */
export function listConnections(
  deps: Pick<ConnectionDeps, 'tenants'>,
  tenantId: string,
): Promise<ConnectionRow[]> {
  return fromStorage(listConnectionRows(deps.tenants.forTenant(tenantId), tenantId))
}

/** Removes a connection; workers stop using it within seconds. Messages that name it are held. */
export async function deleteConnection(
  deps: Pick<ConnectionDeps, 'tenants'>,
  tenantId: string,
  id: string,
): Promise<void> {
  if (!(await fromStorage(deleteConnectionRow(deps.tenants.forTenant(tenantId), tenantId, id))))
    throw new Problem('not-found')
}
