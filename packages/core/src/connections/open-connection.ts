import { Problem } from '@lettergate/contracts/problems/problems'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Provider, ProviderConnection } from '@lettergate/providers/provider'
import { z } from 'zod'
import type { OwnDomains } from '../domains/index.ts'
import { fromStorage } from '../lib/index.ts'
import { SealBroken, type Sealer } from '../secrets/index.ts'
import { readSealedConnection } from './sql/read-sealed.ts'
import type { ConnectionLimits } from './sql/sealed-connection.ts'

/** A connection that may carry a message. */
export type Candidate = {
  provider: Provider
  connection: ProviderConnection<unknown, unknown>
  /** Null: the gateway's own. */
  connectionId: string | null
  limits?: ConnectionLimits | null
  /** The tenant that it belongs to, where that is not the message's: the operator's, for a connection of the shared pool. */
  ownerId?: string
  /** Of the tenant that sends; for providers that send as this gateway. */
  domains?: OwnDomains
}

export type OpenedConnection = { provider: Provider; connection: ProviderConnection<unknown, unknown> }

/** Opens a stored connection, enabled or not. Null: what is stored does not open, which is reported. */
export function openConnection(
  deps: {
    tenants: Tenants
    sealer: Pick<Sealer, 'unsealJson'>
    providers: Readonly<Record<string, Provider>>
    onError: (error: unknown) => void
  },
  tenantId: string,
  id: string,
): Promise<OpenedConnection | null> {
  return fromStorage(open(deps, tenantId, id))
}

async function open(
  deps: Parameters<typeof openConnection>[0],
  tenantId: string,
  id: string,
): Promise<OpenedConnection | null> {
  const row = await readSealedConnection(deps.tenants.forTenant(tenantId), tenantId, id)
  if (!row) throw new Problem('not-found')
  const provider = deps.providers[row.provider]
  if (!provider) throw new Problem('wrong-state', { detail: `There is no provider ${row.provider} here.` })
  try {
    const opened = await deps.sealer.unsealJson(
      { tenantId, table: 'connection', id },
      { sealed: row.sealedCredentials, dataKeyVersion: row.dataKeyVersion },
    )
    const credentials = provider.credentials.parse(opened)
    const settings = provider.settings.parse(row.settings)
    return { provider, connection: { id, credentials, settings, credentialsSince: row.credentialsSince } }
  } catch (error) {
    if (!(error instanceof SealBroken || error instanceof z.ZodError)) throw error
    deps.onError(error)
    return null
  }
}
