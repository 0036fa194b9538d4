import { Problem } from '@lettergate/contracts/problems/problems'
import type { ManagedTables } from '@lettergate/db/prisma'
import { z } from 'zod'

/** What a plan may limit the number of. */
export type Resource =
  | 'connections'
  | 'routes'
  | 'endpoints'
  | 'domains'
  | 'keys'
  | 'smtp-credentials'
  | 'inbound'

type Most = { most: number; plan: string | null }
const Counts = z.record(z.string(), z.unknown())

/** How many the tenant may have: as its limits say, and never more than the gateway's own maximum. `plan`: what says so. */
export function resourceLimit(
  tenant: { plan: string; own: unknown; ofPlan: unknown },
  resource: Resource,
  gatewayMax: number,
): Most {
  const { resources } = Counts.parse(tenant.own ?? {})
  const count = { ...Counts.parse(tenant.ofPlan ?? {}), ...Counts.parse(resources ?? {}) }[resource]
  if (typeof count !== 'number' || count >= gatewayMax) return { most: gatewayMax, plan: null }
  return { most: count, plan: tenant.plan }
}

/** Counted in the same look as the limit. */
const TABLES = { connections: 'connection', routes: 'route', endpoints: 'endpoint' } as const

type Asked =
  | { tenantId: string; resource: keyof typeof TABLES }
  /** `count`: how many the tenant has. */
  | { tenantId: string; resource: Resource; count: number }

/** Refuses one more of a resource of which the tenant has its most; in the transaction that makes it, which others of the tenant wait for. */
export async function checkResourceLimit(
  db: Pick<ManagedTables, '$queryRawUnsafe'>,
  asked: Asked,
  gatewayMax: number,
): Promise<void> {
  const count =
    'count' in asked
      ? '$2::int4'
      : `(select count(*) from ${TABLES[asked.resource]} where tenant_id = $1::uuid)::int4`
  const [row] = await db.$queryRawUnsafe<{ plan: string; own: unknown; ofPlan: unknown; count: number }[]>(
    `select t.plan, t.own_limits as own, p.resources as "ofPlan", ${count} as count
     from tenant t join plan p on p.name = t.plan where t.id = $1::uuid`,
    asked.tenantId,
    ...('count' in asked ? [asked.count] : []),
  )
  if (!row) throw new Problem('not-found')
  const { most, plan } = resourceLimit(row, asked.resource, gatewayMax)
  if (row.count < most) return
  const what = `There are ${row.count} ${asked.resource} already, which is the most`
  throw new Problem('wrong-state', {
    detail:
      plan === null
        ? `${what}. Delete one first.`
        : `${what} of the plan "${plan}". Delete one first, or ask the operator for a higher limit.`,
  })
}
