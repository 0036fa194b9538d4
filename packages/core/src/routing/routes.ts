import { fromPublicId, newId } from '@lettergate/contracts/lib/ids'
import { FaultList } from '@lettergate/contracts/problems/faults'
import { Problem } from '@lettergate/contracts/problems/problems'
import {
  type CreateRouteRequest,
  ROUTES_MAX,
  type RouteMatch,
  type UpdateRouteRequest,
} from '@lettergate/contracts/routes/routes'
import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { listConnectionRows } from '../connections/index.ts'
import { fromStorage } from '../lib/index.ts'
import { lockTenant } from '../tenants/index.ts'
import { deleteRouteRow } from './sql/delete-route.ts'
import { insertRoute } from './sql/insert-route.ts'
import { listRouteRows, type RouteMatchRow, type RouteRow } from './sql/list-routes.ts'
import { updateRoute as updateRow } from './sql/update-route.ts'

type Deps = { tenants: Tenants }
type Targets = CreateRouteRequest['targets']

/** Only what is said: an absent key and an undefined one are the same to a client, but not to a comparison. */
function toMatchRow({ stream, tag, from_domain, recipient_domain }: RouteMatch): RouteMatchRow {
  return {
    ...(stream === undefined ? {} : { stream }),
    ...(tag === undefined ? {} : { tag }),
    ...(from_domain === undefined ? {} : { from_domain }),
    ...(recipient_domain === undefined ? {} : { recipient_domain }),
  }
}

/** Another tenant's connection is answered as one that never existed. */
async function toTargetRows(db: Queryable, tenantId: string, targets: Targets): Promise<RouteRow['targets']> {
  const own = new Set((await listConnectionRows(db, tenantId)).map((row) => row.id))
  const faults = new FaultList()
  const rows = targets.flatMap(({ connection, weight }, index) => {
    const id = fromPublicId('con', connection)
    if (id !== null && own.has(id)) return [{ connection_id: id, weight }]
    faults.add(['targets', index, 'connection'], 'is not one of your connections', 'connection-not-found')
    return []
  })
  if (faults.found) throw faults.toProblem()
  return rows
}

export function createRoute(deps: Deps, tenantId: string, request: CreateRouteRequest): Promise<RouteRow> {
  const db = deps.tenants.forTenant(tenantId)
  const { name, position, strategy, enabled } = request
  return fromStorage(
    (async () => {
      const id = newId()
      const isStored = await db.transaction(async (client) => {
        await lockTenant(client, tenantId)
        const row = {
          ...{ tenantId, id, name, position, strategy, enabled },
          match: toMatchRow(request.match),
          targets: await toTargetRows(client, tenantId, request.targets),
        }
        return insertRoute(client, row, ROUTES_MAX)
      })
      if (!isStored) {
        throw new Problem('wrong-state', {
          detail: `There are ${ROUTES_MAX} routes already, which is the most. Delete one first.`,
        })
      }
      return readRoute(deps, tenantId, id)
    })(),
  )
}

/** Replaces what the request names. */
export function updateRoute(
  deps: Deps,
  tenantId: string,
  id: string,
  request: UpdateRouteRequest,
): Promise<RouteRow> {
  const db = deps.tenants.forTenant(tenantId)
  return fromStorage(
    (async () => {
      // Of another tenant, or gone: said before the fields are judged.
      await readRoute(deps, tenantId, id)
      const { match, targets, ...change } = request
      const isChanged = await db.transaction(async (client) => {
        // Until this is written, no connection that it leads to is deleted.
        await lockTenant(client, tenantId)
        return updateRow(client, tenantId, id, {
          ...change,
          match: match && toMatchRow(match),
          targets: targets && (await toTargetRows(client, tenantId, targets)),
        })
      })
      const row = await readRoute(deps, tenantId, id)
      if (!isChanged) {
        throw new Problem('wrong-state', {
          detail: 'The connections of this route are deleted. Give it new targets to enable it.',
        })
      }
      return row
    })(),
  )
}

export async function readRoute(deps: Deps, tenantId: string, id: string): Promise<RouteRow> {
  const [row] = await fromStorage(listRouteRows(deps.tenants.forTenant(tenantId), tenantId, id))
  if (!row) throw new Problem('not-found')
  return row
}

/** All routes of the tenant, in the order in which they are looked at. */
export function listRoutes(deps: Deps, tenantId: string): Promise<RouteRow[]> {
  return fromStorage(listRouteRows(deps.tenants.forTenant(tenantId), tenantId))
}

export async function deleteRoute(deps: Deps, tenantId: string, id: string): Promise<void> {
  if (!(await fromStorage(deleteRouteRow(deps.tenants.forTenant(tenantId), tenantId, id))))
    throw new Problem('not-found')
}
