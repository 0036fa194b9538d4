import { isSandboxAddress, normalised } from './suppressed.ts'

/**
 * Puts addresses on suppression lists: the CTEs of a statement that has a reason to, and the only SQL that adds them because of an event.
 * `rows` is a select of `tenant_id, mode, address, stream, reason, message_id`; `suppressionStreams` says which stream a reason is about.
 * 1. An entry that is there stays as it is, unless it ends sooner than the new one, which has no end.
 * 2. Addresses of the sandbox are left out: each message to them must live the same life.
 * 3. Put it last in a statement, so that every statement locks recipients before suppressions.
 */
export function addSuppressions(rows: string): string {
  return `suppressed_address as (
    insert into suppression as s (tenant_id, mode, address, stream, reason, message_id)
    select distinct on (tenant_id, mode, address, stream) tenant_id, mode, address, stream, reason, message_id
    from (select tenant_id, mode, ${normalised('address')} as address, stream, reason, message_id from (${rows}) r) n
    where not ${isSandboxAddress('address')}
    order by tenant_id, mode, address, stream, message_id
    on conflict (tenant_id, mode, address, stream) do update
      set reason = excluded.reason, message_id = excluded.message_id, note = null, created_at = excluded.created_at, expires_at = null
      where s.expires_at is not null
    returning tenant_id
  )`
}
