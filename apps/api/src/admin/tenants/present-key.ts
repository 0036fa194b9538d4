import type { TenantKey } from '@lettergate/contracts/admin/tenants'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { TenantKeyRow } from '@lettergate/core/tenants'

/** Presents a key of a tenant. */
export function presentKey({ id, created_at, expires_at, revoked_at, ...row }: TenantKeyRow): TenantKey {
  return {
    id: toPublicId('key', id),
    mode: row.mode,
    display: row.display,
    scopes: row.scopes,
    created_at: created_at.toISOString(),
    expires_at: expires_at?.toISOString() ?? null,
    revoked_at: revoked_at?.toISOString() ?? null,
  }
}
