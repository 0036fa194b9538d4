import type { Queryable } from '@lettergate/db/pool'

/** Nothing more is to be done for the notice; `isGiven`: it was accepted. */
export async function endNotice(
  db: Queryable,
  { tenantId, seq }: { tenantId: string; seq: number },
  isGiven: boolean,
): Promise<void> {
  await db.query({
    name: 'end-notice',
    text: `
      update account_event set notice_due_at = null, noticed_at = case when $3 then now() end
      where tenant_id = $1 and seq = $2`,
    values: [tenantId, seq, isGiven],
  })
}
