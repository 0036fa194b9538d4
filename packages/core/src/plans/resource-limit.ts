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

/** Refuses one more of a resource of which the tenant has `count`; in the transaction that makes it. */
export async function checkResourceLimit(
  db: Pick<ManagedTables, '$queryRaw'>,
  { tenantId, resource, count }: { tenantId: string; resource: Resource; count: number },
  gatewayMax: number,
): Promise<void> {
  // One look instead of Prisma's two: others of the tenant wait for this transaction.
  const [row] = await db.$queryRaw<{ plan: string; own: unknown; ofPlan: unknown }[]>`
    select t.plan, t.own_limits as own, p.resources as "ofPlan" from tenant t join plan p on p.name = t.plan where t.id = ${tenantId}::uuid`
  const tenant = row ?? { plan: '', own: null, ofPlan: null }
  const { most, plan } = resourceLimit(tenant, resource, gatewayMax)
  if (count < most) return
  const what = `There are ${count} ${resource} already, which is the most`
  throw new Problem('wrong-state', {
    detail:
      plan === null
        ? `${what}. Delete one first.`
        : `${what} of the plan "${plan}". Delete one first, or ask the operator for a higher limit.`,
  })
}
