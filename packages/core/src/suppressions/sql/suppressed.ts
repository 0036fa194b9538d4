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
 * The reason why mail of a stream is not sent to an address: a select of at most one row, for a lateral join. An entry for every stream
 * speaks before one for this stream.
 */
export function suppressionOf({ tenantId, mode, address, stream }: Asked): string {
  return `select s.reason, s.stream from suppression s
    where s.tenant_id = ${tenantId} and s.mode = ${mode} and s.address = ${normalised(address)} and s.stream in ('*', ${stream})
      and (s.expires_at is null or s.expires_at > now())
    order by s.stream limit 1`
}
