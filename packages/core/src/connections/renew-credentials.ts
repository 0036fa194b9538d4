import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Secret } from '@lettergate/providers/lib/secret'
import type { Provider } from '@lettergate/providers/provider'
import type { Sealed, Sealer } from '../secrets/index.ts'
import type { Candidate } from './open-connection.ts'
import { readSealedConnection } from './sql/read-sealed.ts'
import { renewCredentials } from './sql/renew-credentials.ts'

/** The connection whose secret was renewed. */
export type SecretOwner = { tenantId: string; connectionId: string; provider: Provider }

/** Finds the owner of a secret; null: a connection of the gateway, which has none. */
export function ownerOf(
  tenantId: string,
  { connectionId, provider, ownerId = tenantId }: Pick<Candidate, 'connectionId' | 'provider' | 'ownerId'>,
): SecretOwner | null {
  return connectionId === null ? null : { tenantId: ownerId, connectionId, provider }
}

export type CredentialRenewer = {
  /** Replaces `old` by `fresh` in the stored credentials of a connection; the call that received it does not wait. */
  renew(owner: SecretOwner, old: Secret, fresh: Secret): void
  /** Resolves when nothing is being stored. */
  drain(): Promise<void>
}

/** Replaces `old` by `fresh` in a value, at any depth. */
function withFresh(value: unknown, old: string, fresh: string): unknown {
  if (value === old) return fresh
  if (Array.isArray(value)) return value.map((one) => withFresh(one, old, fresh))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withFresh(one, old, fresh)]))
}

/**
 * Stores secrets that providers replace, such as refresh tokens. Several processes may renew one connection at the same time, and
 * a client may store other credentials: only the secret that was read is replaced. A late process, or one that dies, loses a token and
 * nothing else: docs/decisions/0010-replaced-refresh-tokens.md.
 */
export function createCredentialRenewer(deps: {
  tenants: Tenants
  sealer: Pick<Sealer, 'sealJson' | 'unsealJson'>
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
    const stored = await deps.sealer.unsealJson(place, read)
    const credentials = withFresh(stored, old.reveal(), fresh.reveal())
    if (JSON.stringify(credentials) === JSON.stringify(stored)) return
    // Credentials that would not open again must not replace working ones.
    if (!provider.credentials.safeParse(credentials).success)
      throw new Error(`connection ${id}: the secret that ${provider.id} gave out does not fit`)
    const renewed = await deps.sealer.sealJson(place, credentials)
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
