import type { Tenants } from '@lettergate/db/tenant-scope'

/** Whether domains of recipients are looked up before a message is accepted. */
export type RecipientCheck = 'off' | 'warn' | 'reject'

export async function readRecipientCheck(tenants: Tenants, tenantId: string): Promise<RecipientCheck> {
  const { rows } = await tenants.forTenant(tenantId).query<{ value: RecipientCheck }>({
    name: 'read-recipient-check',
    text: 'select recipient_domain_check as value from tenant where id = $1',
    values: [tenantId],
  })
  return rows[0]?.value ?? 'off'
}
