import type { Queryable } from '@lettergate/db/pool'
import type { TenantPrisma } from '@lettergate/db/prisma'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Egress } from '@lettergate/egress/egress'
import type { Sealer } from '../secrets/index.ts'

/** Keys see what is of their mode. */
export type Owner = { tenantId: string; mode: 'live' | 'test' }

export type InboundDeps = {
  prisma: TenantPrisma
  tenants: Tenants
  sealer: Sealer
  egress: Pick<Egress, 'forTenant'>
  /** For the notification by which listeners hear changes. */
  db: Queryable
  inboundDomain: string
  onError: (error: unknown) => void
}
