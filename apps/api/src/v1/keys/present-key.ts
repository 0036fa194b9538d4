import type { ApiKey } from '@lettergate/contracts/keys/keys'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { KeyInfo } from '@lettergate/core/keys'

const maybeKeyId = (id: string | null) => (id === null ? null : toPublicId('key', id))

/** Presents a key, at this time. */
export function presentKey(row: KeyInfo, now: number): ApiKey {
  const isExpired = row.expires_at !== null && row.expires_at.getTime() <= now
  return {
    id: toPublicId('key', row.id),
    name: row.name,
    mode: row.mode === 'test' ? 'test' : 'live',
    display: row.display,
    scopes: row.scopes,
    networks: row.networks,
    from_domains: row.from_domains,
    requests_per_second: row.requests_per_second,
    status: row.revoked_at !== null ? 'revoked' : isExpired ? 'expired' : 'active',
    expires_at: row.expires_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    replaced_by: maybeKeyId(row.replaced_by),
    created_by: maybeKeyId(row.created_by),
    created_at: row.created_at.toISOString(),
    last_used: row.use && {
      at: row.use.used_at.toISOString(),
      address: row.use.address,
      agent: row.use.agent,
    },
  }
}
