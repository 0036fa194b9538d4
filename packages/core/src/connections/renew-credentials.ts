import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Secret } from '@lettergate/providers/lib/secret'
import type { Provider } from '@lettergate/providers/provider'
import type { Sealed, Sealer } from '../secrets/index.ts'
import type { Candidate } from './opened-connection.ts'
import { readSealedConnection } from './sql/read-sealed.ts'
import { renewCredentials } from './sql/renew-credentials.ts'

/** The connection whose provider gave out another secret. */
export type SecretOwner = { tenantId: string; connectionId: string; provider: Provider }

/** Null: the gateway's own, which has no secrets. */
export function ownerOf(
  tenantId: string,
  { connectionId, provider }: Pick<Candidate, 'connectionId' | 'provider'>,
): SecretOwner | null {
  return connectionId === null ? null : { tenantId, connectionId, provider }
}

export type CredentialRenewer = {
  /** Puts `fresh` in the place of `old` in the stored credentials of a connection, behind the back of the call that learned of it. */
  renew(owner: SecretOwner, old: Secret, fresh: Secret): void
  /** Resolves when nothing is being stored. */
  drain(): Promise<void>
}

/** The same value with `fresh` wherever `old` stood, at whatever depth. */
function withFresh(value: unknown, old: string, fresh: string): unknown {
  if (value === old) return fresh
  if (Array.isArray(value)) return value.map((one) => withFresh(one, old, fresh))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withFresh(one, old, fresh)]))
}

/**
 * Stores secrets that providers replace by themselves, such as refresh tokens. Any number of processes may be told of one connection
 * at the same time, and a client may store other credentials: what is not there any more is not replaced. Whoever comes too late
 * loses nothing but a token, and so does a process that dies in between: docs/decisions/0010-replaced-refresh-tokens.md.
 */
export function createCredentialRenewer(deps: {
  tenants: Tenants
  sealer: Pick<Sealer, 'sealCredentials' | 'unsealCredentials'>
  onError: (error: unknown) => void
}): CredentialRenewer {
  const storing = new Set<Promise<void>>()

  async function store(owner: SecretOwner, old: Secret, fresh: Secret): Promise<void> {
    const { tenantId, connectionId: id, provider } = owner
    const db = deps.tenants.forTenant(tenantId)
    const row = await readSealedConnection(db, tenantId, id)
    if (!row) return
    const place = { tenantId, table: 'connection', id } as const
    const read: Sealed = { sealed: row.sealedCredentials, dataKeyVersion: row.dataKeyVersion }
    const stored = await deps.sealer.unsealCredentials(place, read)
    const credentials = withFresh(stored, old.reveal(), fresh.reveal())
    if (JSON.stringify(credentials) === JSON.stringify(stored)) return
    // What would not open again must not take the place of what does.
    if (!provider.credentials.safeParse(credentials).success)
      throw new Error(`connection ${id}: the secret that ${provider.id} gave out does not fit`)
    const renewed = await deps.sealer.sealCredentials(place, credentials)
    await renewCredentials(db, tenantId, id, { read, renewed })
  }

  return {
    renew(owner, old, fresh) {
      const work = store(owner, old, fresh)
        .catch(deps.onError)
        .finally(() => storing.delete(work))
      storing.add(work)
    },
    async drain() {
      await Promise.all(storing)
    },
  }
}
