import {
  type AllResources,
  type Resource,
  Resources,
  resourceMaxima,
} from '@lettergate/contracts/admin/resources'
import { mapTable } from '@lettergate/contracts/lib/map-table'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { ManagedTables } from '@lettergate/db/prisma'
import { z } from 'zod'

/** Counted rows of each; `texts`: one of it in a sentence, several, and what makes room. */
const COUNTED: Record<Resource, { rows: string; texts: [string, string, string] }> = {
  connections: { rows: 'connection', texts: ['connection', 'connections', 'Delete one'] },
  routes: { rows: 'route', texts: ['route', 'routes', 'Delete one'] },
  endpoints: { rows: 'endpoint', texts: ['endpoint', 'endpoints', 'Delete one'] },
  domains: { rows: 'domain', texts: ['domain', 'domains', 'Delete one'] },
  keys: {
    rows: '(select tenant_id from api_key where revoked_at is null and (expires_at is null or expires_at > now()))',
    texts: ['key', 'keys', 'Revoke one'],
  },
  smtp_credentials: {
    rows: 'smtp_credential',
    texts: ['SMTP credential', 'SMTP credentials', 'Delete one'],
  },
  inbound_routes: { rows: 'inbound_route', texts: ['inbound route', 'inbound routes', 'Delete one'] },
  mailboxes: { rows: 'mailbox', texts: ['mailbox', 'mailboxes', 'Delete one'] },
}

const Row = z.object({ plan: z.string(), resources: Resources, count: z.number() })

/** How many of each a tenant may have: as its plan or its own limits say, and never more than the gateway allows. */
export function resourceLimits(ofPlan: Resources): AllResources {
  return mapTable(resourceMaxima, (max, name) => Math.min(ofPlan[name] ?? Infinity, max))
}

/**
 * Refuses one more of a resource of which the tenant has its most. Runs in the transaction that makes it: others that make one for the
 * same tenant wait for its end, in all processes, so that no two of them count the same room.
 */
export async function checkResourceLimit(
  db: Pick<ManagedTables, '$queryRawUnsafe' | '$executeRaw'>,
  { tenantId, resource }: { tenantId: string; resource: Resource },
): Promise<void> {
  await db.$executeRaw`select pg_advisory_xact_lock(hashtextextended(${`${resource} of ${tenantId}`}, 0))`
  const { rows, texts } = COUNTED[resource]
  const [found] = await db.$queryRawUnsafe<unknown[]>(
    `select t.plan, p.resources || coalesce(t.own_limits -> 'resources', '{}') as resources,
            (select count(*)::int4 from ${rows} r where r.tenant_id = $1::uuid) as count
     from tenant t join plan p on p.name = t.plan where t.id = $1::uuid`,
    tenantId,
  )
  if (!found) throw new Problem('not-found')
  const row = Row.parse(found)
  const most = resourceLimits(row.resources)[resource]
  if (row.count < most) return
  const [one, several, makeRoom] = texts
  const has = `You have ${row.count} ${row.count === 1 ? one : several}`
  throw new Problem('limit-reached', {
    detail:
      most < resourceMaxima[resource]
        ? `${has}, and your plan "${row.plan}" allows ${most} (limit \`${resource}\`). ${makeRoom} first, or ask the operator for a higher limit.`
        : `${has}, which is the most that the gateway allows (limit \`${resource}\`). ${makeRoom} first.`,
  })
}
