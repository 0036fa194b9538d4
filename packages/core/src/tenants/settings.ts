import { Settings, type UpdateSettingsRequest } from '@lettergate/contracts/settings/settings'
import type { TenantPrisma } from '@lettergate/db/prisma'
import { changeConnections, columnsOf, fromStorage, given } from '../lib/index.ts'

type Deps = { prisma: TenantPrisma }

/** The tenant's choices for all its mail. */
export async function readSettings(deps: Deps, tenantId: string): Promise<Settings> {
  return Settings.parse(
    await fromStorage(
      deps.prisma.forTenant(tenantId, (db) =>
        db.tenant.findUnique({ where: { id: tenantId }, select: columnsOf(Settings) }),
      ),
    ),
  )
}

/** Changes what the request names. Waiting mail is looked at again, since it may go another way now. */
export async function updateSettings(
  deps: Deps,
  tenantId: string,
  change: UpdateSettingsRequest,
): Promise<Settings> {
  await fromStorage(
    changeConnections(deps.prisma, tenantId, (db) =>
      db.tenant.updateMany({ where: { id: tenantId }, data: given(change) }),
    ),
  )
  return readSettings(deps, tenantId)
}
