/** The form in which lists compare addresses, in SQL: in lower case. Addresses are ASCII; `toListed` is the same outside SQL. */
export function normalised(address: string): string {
  return `lower(${address} collate "C")`
}

/** Says in SQL that an address, already normalised, is one of the sandbox. */
export function isSandboxAddress(address: string): string {
  return `${address} like '%@sandbox.lettergate.dev'`
}

/** Columns of the statement that asks; all are expressions of SQL. */
export type Asked = { tenantId: string; mode: string; address: string; stream: string }

/**
 * Why mail of a stream is not sent to an address: an expression of SQL that is one of the reasons, or null. `suppressed@` of the sandbox is
 * on every list. An address that was erased stays on its list by its hash.
 */
export function suppressionOf({ tenantId, mode, address, stream }: Asked): string {
  // Sorted as the primary key, and the stream compared beside it, because an index that is asked for two values has no order: while the
  // table has no statistics, Postgres would otherwise take the index by time, and read all of a tenant's list for each address.
  const entry = `s.mode = ${mode} and s.stream || '' in ('*', ${stream}) and (s.expires_at is null or s.expires_at > now())`
  const lookUp = (tenant: string, listed: string) => `select s.reason from suppression s
    where s.tenant_id = ${tenant} and s.address = ${listed} and ${entry}
    order by s.tenant_id, s.mode, s.address, s.stream limit 1`
  // The second look costs a tenant that never erased an address one probe of a table without its row.
  return `coalesce((
    ${lookUp(tenantId, normalised(address))}
  ), (
    select (${lookUp('k.tenant_id', `erased_address(k.tenant_id, ${normalised(address)})`)})
    from erasure_key k where k.tenant_id = ${tenantId}
  ), case when ${normalised(address)} like 'suppressed%@sandbox.lettergate.dev' then 'sandbox' end)`
}

/** What a suppressed recipient's status says, in SQL; `reason` is what `suppressionOf` found. */
export function suppressedBecause(reason: string): string {
  return `'the address is on your suppression list (' || ${reason} || ')'`
}
