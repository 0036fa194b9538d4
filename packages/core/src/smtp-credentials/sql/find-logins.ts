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

// By way of JSON, so that the statement also runs where `suspended_at` does not exist yet.
const text = `
select c.id, c.tenant_id, c.mode, c.sealed_secret, c.data_key_version, c.scopes, c.from_domains, c.networks,
       to_jsonb(t) ->> 'suspended_at' is not null as is_suspended
from smtp_credential c join tenant t on t.id = c.tenant_id
where c.id = any($1::uuid[]) and c.revoked_at is null`

/** The logins among these that are good now. */
export async function findLogins(db: Queryable, ids: readonly string[]): Promise<LoginRow[]> {
  const { rows } = await db.query<LoginRow>({ name: 'find-smtp-logins', text, values: [ids] })
  return rows
}
