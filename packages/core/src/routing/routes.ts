import { fromPublicId, newId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { ValidationIssues } from '@lettergate/contracts/problems/validation-issues'
import type { CreateRouteRequest, UpdateRouteRequest } from '@lettergate/contracts/routes/routes'
import type { ManagedTables, TenantPrisma } from '@lettergate/db/prisma'
import { z } from 'zod'
import { changeConnections, fromStorage, given, POOL_TARGET, toJson } from '../lib/index.ts'
import { checkResourceLimit } from '../plans/index.ts'

type Deps = { prisma: TenantPrisma }
type Targets = CreateRouteRequest['targets']

const StoredRoute = z.object({
  id: z.string(),
  position: z.number(),
  name: z.string(),
  match: z.object({
    stream: z.enum(['transactional', 'bulk']).optional(),
    tag: z.string().optional(),
    from_domain: z.string().optional(),
    recipient_domain: z.string().optional(),
  }),
  strategy: z.enum(['ordered', 'weighted']),
  targets: z.array(z.object({ connection_id: z.string(), weight: z.number() })),
  enabled: z.boolean(),
  created_at: z.date(),
  updated_at: z.date(),
})
export type RouteRow = z.output<typeof StoredRoute>

/** Another tenant's connection is answered as one that never existed. */
async function toTargetRows(
  db: ManagedTables,
  tenantId: string,
  targets: Targets,
): Promise<RouteRow['targets']> {
  const connections = await db.connection.findMany({ where: { tenant_id: tenantId }, select: { id: true } })
  const own = new Set(connections.map((row) => row.id))
  const issues = new ValidationIssues()
  const rows = targets.flatMap(({ connection, weight }, index) => {
    if (connection === POOL_TARGET) return [{ connection_id: POOL_TARGET, weight }]
    const id = fromPublicId('con', connection)
    if (id !== null && own.has(id)) return [{ connection_id: id, weight }]
    issues.add(['targets', index, 'connection'], 'is not one of your connections', 'connection-not-found')
    return []
  })
  if (issues.found) throw issues.toProblem()
  return rows
}

export function createRoute(deps: Deps, tenantId: string, request: CreateRouteRequest): Promise<RouteRow> {
  const { name, position, strategy, enabled } = request
  return fromStorage(
    changeConnections(deps.prisma, tenantId, async (db) => {
      const targets = await toTargetRows(db, tenantId, request.targets)
      await checkResourceLimit(db, { tenantId, resource: 'routes' })
      const row = { tenant_id: tenantId, id: newId(), name, position, strategy, enabled }
      const json = { match: toJson(request.match), targets: toJson(targets) }
      return StoredRoute.parse(await db.route.create({ data: { ...row, ...json } }))
    }),
  )
}

/** Replaces what the request names. */
export function updateRoute(
  deps: Deps,
  tenantId: string,
  id: string,
  request: UpdateRouteRequest,
): Promise<RouteRow> {
  const { match, targets, ...change } = request
  return fromStorage(
    changeConnections(deps.prisma, tenantId, async (db) => {
      // Of another tenant, or deleted: reported before the fields are checked. Until this is written, none of its target connections is deleted.
      const before = await findRoute(db, tenantId, id)
      const leadsTo = targets ? await toTargetRows(db, tenantId, targets) : before.targets
      if ((change.enabled ?? before.enabled) && leadsTo.length === 0) {
        throw new Problem('wrong-state', {
          detail: 'The connections of this route are deleted. Give it new targets to enable it.',
        })
      }
      const row = await db.route.update({
        where: { tenant_id_id: { tenant_id: tenantId, id } },
        data: given({ ...change, match: match && toJson(match), targets: targets && toJson(leadsTo) }),
      })
      return StoredRoute.parse(row)
    }),
  )
}

async function findRoute(db: ManagedTables, tenantId: string, id: string): Promise<RouteRow> {
  const row = await db.route.findUnique({ where: { tenant_id_id: { tenant_id: tenantId, id } } })
  if (!row) throw new Problem('not-found')
  return StoredRoute.parse(row)
}

export function readRoute(deps: Deps, tenantId: string, id: string): Promise<RouteRow> {
  return fromStorage(deps.prisma.forTenant(tenantId, (db) => findRoute(db, tenantId, id)))
}

/** All routes of the tenant, in the order in which they are looked at. */
export async function listRoutes(deps: Deps, tenantId: string): Promise<RouteRow[]> {
  const rows = await fromStorage(
    deps.prisma.forTenant(tenantId, (db) =>
      db.route.findMany({
        where: { tenant_id: tenantId },
        orderBy: [{ position: 'asc' }, { id: 'asc' }],
      }),
    ),
  )
  return z.array(StoredRoute).parse(rows)
}

export function deleteRoute(deps: Deps, tenantId: string, id: string): Promise<void> {
  return fromStorage(
    changeConnections(deps.prisma, tenantId, async (db) => {
      const { count } = await db.route.deleteMany({ where: { tenant_id: tenantId, id } })
      if (count === 0) throw new Problem('not-found')
    }),
  )
}
