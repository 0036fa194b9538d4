import type { Tenant, TenantKey } from '@lettergate/contracts/admin/tenants'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { TenantKeyRow, TenantRow } from '@lettergate/core/tenants'

/** Presents a tenant. */
export function presentTenant({ id, daily_limit, suspended_at, created_at, ...row }: TenantRow): Tenant {
  return {
    id: toPublicId('ten', id),
    name: row.name,
    plan: row.plan,
    state: suspended_at === null ? 'active' : 'suspended',
    suspended_at: suspended_at?.toISOString() ?? null,
    suspended_reason: row.suspended_reason,
    accepted_per_day: daily_limit,
    own_limits: row.own_limits,
    egress_extra: row.egress_extra,
    retry_hours: row.retry_hours,
    on_unknown: row.on_unknown,
    created_at: created_at.toISOString(),
  }
}

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
