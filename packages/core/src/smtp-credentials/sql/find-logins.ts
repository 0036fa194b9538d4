import type { Queryable } from '@lettergate/db/pool'

export type LoginRow = {
  id: string
  tenant_id: string
  mode: 'live' | 'test'
  sealed_secret: Buffer
  data_key_version: number
  scopes: string[]
  from_domains: string[]
  networks: string[]
  is_suspended: boolean
}

const text = `
select id, tenant_id, mode, sealed_secret, data_key_version, scopes, from_domains, networks, is_suspended(tenant_id) as is_suspended
from smtp_credential
where id = any($1::uuid[]) and revoked_at is null`

/** The logins among these that are good now. */
export async function findLogins(db: Queryable, ids: readonly string[]): Promise<LoginRow[]> {
  const { rows } = await db.query<LoginRow>({ name: 'find-smtp-logins', text, values: [ids] })
  return rows
}
