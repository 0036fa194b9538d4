import type { TenantPrisma } from '@lettergate/db/prisma'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { fromStorage } from '../lib/index.ts'

export const RECIPIENT_CHECKS = ['off', 'warn', 'reject'] as const
/** Whether domains of recipients are looked up before a message is accepted. */
export type RecipientCheck = (typeof RECIPIENT_CHECKS)[number]

export async function setRecipientCheck(
  prisma: TenantPrisma,
  tenantId: string,
  value: RecipientCheck,
): Promise<void> {
  await fromStorage(
    prisma.forTenant(tenantId, (db) =>
      db.tenant.updateMany({ where: { id: tenantId }, data: { recipient_domain_check: value } }),
    ),
  )
}

export async function readRecipientCheck(tenants: Tenants, tenantId: string): Promise<RecipientCheck> {
  const { rows } = await tenants.forTenant(tenantId).query<{ value: RecipientCheck }>({
    name: 'read-recipient-check',
    text: 'select recipient_domain_check as value from tenant where id = $1',
    values: [tenantId],
  })
  return rows[0]?.value ?? 'off'
}
