import type { Settings, UpdateSettingsRequest } from '@lettergate/contracts/settings/settings'
import type { TenantPrisma } from '@lettergate/db/prisma'
import { z } from 'zod'
import { changeConnections, fromStorage, given } from '../lib/index.ts'

type Deps = { prisma: TenantPrisma }

const COLUMNS = {
  pool: true,
  overflow: true,
  on_unknown: true,
  retry_hours: true,
  recipient_domain_check: true,
} as const
const Stored = z.object({
  pool: z.enum(['first', 'last', 'never']),
  overflow: z.enum(['reject', 'hold']),
  on_unknown: z.enum(['hold', 'resend']),
  retry_hours: z.number(),
  recipient_domain_check: z.enum(['off', 'warn', 'reject']),
})

/** The tenant's choices for all its mail. */
export async function readSettings(deps: Deps, tenantId: string): Promise<Settings> {
  return Stored.parse(
    await fromStorage(
      deps.prisma.forTenant(tenantId, (db) =>
        db.tenant.findUnique({ where: { id: tenantId }, select: COLUMNS }),
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
