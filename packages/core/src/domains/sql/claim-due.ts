import type { Queryable } from '@lettergate/db/pool'

/** A worker that has not recorded its check by then is taken for lost. */
export const CHECK_LEASE_MS = 120_000

export type DueDomain = { tenantId: string; id: string; waitedMs: number }

/** Takes domains whose check is due, the longest due first. Those that another worker has taken are due again only after its lease. */
export async function claimDue(db: Queryable, limit: number): Promise<DueDomain[]> {
  const { rows } = await db.query<DueDomain>({
    name: 'claim-due-domains',
    text: `
      with due as (
        select tenant_id, id, next_check_at from domain where next_check_at <= now()
        order by next_check_at limit $1 for update skip locked
      )
      update domain d set next_check_at = now() + $2 * interval '1 ms' from due
      where d.tenant_id = due.tenant_id and d.id = due.id
      returning d.tenant_id as "tenantId", d.id, (extract(epoch from now() - due.next_check_at) * 1000)::float8 as "waitedMs"`,
    values: [limit, CHECK_LEASE_MS],
  })
  return rows
}
