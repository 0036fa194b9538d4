import { planLimits } from '@lettergate/contracts/admin/limits'
import { Resources } from '@lettergate/contracts/admin/resources'
import type { Queryable } from '@lettergate/db/pool'
import { z } from 'zod'

/** Limits in force: the tenant's own, where it has one, or those of its plan. Null: none. */
const Limits = z.object({
  plan: z.string(),
  description: z.string(),
  ...planLimits,
  /** How many of each; absent: as many as the gateway allows. */
  resources: Resources,
  features: z.array(z.string()),
})
export type Limits = z.output<typeof Limits>

/** The limits of a tenant as they are set; those of a day or month that are lower than before begin with the next day. Null: no such tenant. */
export async function readLimits(db: Queryable, tenantId: string): Promise<Limits | null> {
  const { rows } = await db.query<{ limits: unknown }>({
    name: 'read-limits',
    text: `
      select (to_jsonb(p) - 'created_at' - 'updated_at') || t.own_limits
             || jsonb_build_object('plan', p.name, 'accepted_per_day', t.daily_limit,
                                   'resources', p.resources || coalesce(t.own_limits -> 'resources', '{}')) as limits
      from tenant t join plan p on p.name = t.plan
      where t.id = $1`,
    values: [tenantId],
  })
  return rows[0] ? Limits.parse(rows[0].limits) : null
}
