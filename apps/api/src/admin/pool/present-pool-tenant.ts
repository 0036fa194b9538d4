import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { PoolTenant } from '@lettergate/contracts/pool/pool'
import { Problem } from '@lettergate/contracts/problems/problems'
import { fromStorage } from '@lettergate/core/lib'
import { type PoolTenant as PoolTenantRow, readPoolTenant } from '@lettergate/core/pool'
import type { Queryable } from '@lettergate/db/pool'

/** Presents how a tenant stands with the pool. */
export function presentPoolTenant(row: PoolTenantRow): PoolTenant {
  return {
    tenant: toPublicId('ten', row.tenantId),
    name: row.name,
    state: row.state,
    since: row.since?.toISOString() ?? null,
    by: row.by,
    reason: row.why,
    ceiling: row.ceiling,
    limit: row.limit,
    used: row.used,
    sent: row.handed,
    bounced: row.bounced,
    complained: row.complained,
    bounces: row.bounces,
    complaints: row.complaints,
    held: row.held,
  }
}

/** Presents how a tenant stands with the pool now. */
export async function readStanding(db: Queryable, tenantId: string): Promise<PoolTenant> {
  const row = await fromStorage(readPoolTenant(db, tenantId))
  if (!row) throw new Problem('not-found')
  return presentPoolTenant(row)
}
