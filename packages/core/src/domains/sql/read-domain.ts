import type { Queryable } from '@lettergate/db/pool'
import type { DomainKeyRow, DomainRow } from '../domain-rows.ts'

export type DomainWithKeys = { domain: DomainRow; keys: DomainKeyRow[] }

const COLUMNS = `d.id, d.name, d.token, d.state, d.has_return_path, d.records, d.reason, d.revision, d.created_at, d.updated_at,
  d.pending_since, d.checked_at, d.verified_at, d.gone_at, d.warned_at, d.failed_at, d.next_check_at`

const KEY_COLUMNS = `id, domain_id, algorithm, selector, public_key, state, created_at, seen_at, activated_at, retired_at`

/** A domain with its keys, without the private ones; null: there is none. */
export async function readDomain(
  db: Queryable,
  tenantId: string,
  id: string,
): Promise<DomainWithKeys | null> {
  const [{ rows }, keys] = await Promise.all([
    db.query<DomainRow>({
      name: 'read-domain',
      text: `select ${COLUMNS} from domain d where d.tenant_id = $1 and d.id = $2`,
      values: [tenantId, id],
    }),
    db.query<DomainKeyRow>({
      name: 'read-domain-keys',
      text: `select ${KEY_COLUMNS} from domain_key where tenant_id = $1 and domain_id = $2 order by created_at, algorithm desc`,
      values: [tenantId, id],
    }),
  ])
  const [domain] = rows
  return domain ? { domain, keys: keys.rows } : null
}

/** Who has proved exactly this name, alone; null: nobody. */
export async function findHolder(
  db: Queryable,
  name: string,
): Promise<{ tenantId: string; id: string } | null> {
  const { rows } = await db.query<{ tenantId: string; id: string }>({
    name: 'find-domain-holder',
    text: `select tenant_id as "tenantId", id from domain where name = $1 and state = 'verified' and not is_shared`,
    values: [name],
  })
  return rows[0] ?? null
}
