import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { PoolTenant } from '@lettergate/contracts/pool/pool'
import { Problem } from '@lettergate/contracts/problems/problems'
import { FIRST_TENANT } from '@lettergate/core/dispatch'
import { fromStorage } from '@lettergate/core/lib'
import { listPoolTenants, type PoolTenant as PoolTenantRow, readPoolSetting } from '@lettergate/core/pool'
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

/** Reads one tenant. */
export async function readPoolTenant(db: Queryable, tenantId: string): Promise<PoolTenantRow> {
  const [row] = await readPoolTenants(db, { tenantId, after: FIRST_TENANT, limit: 1 })
  if (!row) throw new Problem('not-found')
  return row
}

/** Reads one tenant, or those behind another, by the window that the operator set. */
export function readPoolTenants(
  db: Queryable,
  page: { tenantId: string | null; after: string; limit: number },
): Promise<PoolTenantRow[]> {
  return fromStorage(
    readPoolSetting(db).then(({ window_days: windowDays }) => listPoolTenants(db, { ...page, windowDays })),
  )
}
