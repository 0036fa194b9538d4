/**
 * Gives recipients back to the quota: the CTEs of a statement that does so. `rows` is a select of `tenant_id, day, mode, n`, one row for
 * each of the first three. Usage rows are locked in the order of their key, so that statements which meet take turns.
 */
export function refundUsage(rows: string): string {
  return `refund as materialized (
    select u.tenant_id, u.day, u.mode, s.n
    from (${rows}) s
    join usage u on u.tenant_id = s.tenant_id and u.day = s.day and u.mode = s.mode
    order by u.tenant_id, u.day, u.mode
    for no key update of u
  ), refunded as (
    update usage u set accepted = u.accepted - r.n from refund r
    where u.tenant_id = r.tenant_id and u.day = r.day and u.mode = r.mode
  )`
}
