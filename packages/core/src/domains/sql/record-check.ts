import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { Queryable } from '@lettergate/db/pool'
import { appendAccountEvents } from '../../lib/index.ts'
import { namesAbove } from '../domain-name.ts'
import type { DomainRow, StoredRecord } from '../domain-rows.ts'
import type { Change, KeyChange } from '../lifecycle.ts'

export type CheckResult = {
  change: Change
  isShared: boolean
  hasReturnPath: boolean
  records: StoredRecord[]
  keys: { changed: KeyChange[]; ended: string[] }
  /** Workers and apis must see it at once: what they have cached of the tenant is old. */
  isVisible: boolean
  checkedAt: Date
}

/**
 * Records a check with its event and everything that follows from it, in one statement. Answers whether it did: another check may have been
 * recorded since the row was read. Throws a unique violation where another tenant holds the name.
 */
export async function recordCheck(
  db: Queryable,
  tenantId: string,
  row: Pick<DomainRow, 'id' | 'name' | 'revision'>,
  { change, isShared, hasReturnPath, records, keys, isVisible, checkedAt }: CheckResult,
): Promise<boolean> {
  const { changed, ended } = keys
  const detail = JSON.stringify({ domain: row.name, id: toPublicId('dom', row.id) })
  const { rows } = await db.query<{ recorded: boolean }>({
    name: 'record-domain-check',
    text: `
      with checked as (
        update domain set state = $4, reason = $5, pending_since = $6, verified_at = $7, gone_at = $8, warned_at = $9, failed_at = $10,
               next_check_at = $11, is_shared = $12, has_return_path = $13, records = $14, checked_at = $15, revision = revision + 1
        where tenant_id = $1 and id = $2 and revision = $3
        returning tenant_id
      ), change as materialized (
        select c.* from unnest($16::uuid[], $17::text[], $18::timestamptz[], $19::timestamptz[], $20::timestamptz[])
          as c (id, state, seen_at, activated_at, retired_at)
        where exists (select from checked)
      ), retired as (
        -- The private key is of no use any more.
        update domain_key k set state = 'old', retired_at = c.retired_at, sealed_key = null
        from change c where k.tenant_id = $1 and k.id = c.id and c.state = 'old'
      ), changed as (
        update domain_key k set state = c.state, seen_at = c.seen_at, activated_at = c.activated_at
        from change c where k.tenant_id = $1 and k.id = c.id and c.state <> 'old'
      ), ended as (
        delete from domain_key k where k.tenant_id = $1 and k.id = any($21::uuid[]) and exists (select from checked)
      ), concerned as materialized (
        -- A name below theirs has another holder now, or none.
        select t.id from tenant t
        where $22 and exists (select from checked)
          and (t.id = $1 or t.id in (select d.tenant_id from domain d where d.state = 'verified' and d.name = any($23::text[])))
        order by t.id for no key update
      ), raised as (
        update tenant t set connections_version = t.connections_version + 1 from concerned c where t.id = c.id
      ), ${appendAccountEvents(`
        select tenant_id, $24::text as type, json_build_object('reason', $5::text, 'detail', $25::json) as data from checked
        where $24::text is not null`)}
      select exists (select from checked) as recorded`,
    values: [
      tenantId,
      row.id,
      row.revision,
      change.state,
      change.reason,
      change.pending_since,
      change.verified_at,
      change.gone_at,
      change.warned_at,
      change.failed_at,
      change.next_check_at,
      isShared,
      hasReturnPath,
      JSON.stringify(records),
      checkedAt,
      changed.map(({ id }) => id),
      changed.map(({ state }) => state),
      changed.map(({ seen_at }) => seen_at),
      changed.map(({ activated_at }) => activated_at),
      changed.map(({ retired_at }) => retired_at),
      ended,
      isVisible,
      namesAbove(row.name).slice(1),
      change.event,
      detail,
    ],
  })
  return rows[0]?.recorded ?? false
}
