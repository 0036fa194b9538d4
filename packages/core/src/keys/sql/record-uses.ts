import type { Queryable } from '@lettergate/db/pool'

export type KeyUse = {
  keyId: string
  /** Null: an operator key. */
  tenantId: string | null
  atMs: number
  address: string
  agent: string | null
}

/** Writes the last use of many keys. Keys that were deleted meanwhile are left out; a later use that another process wrote stays. */
export async function recordUses(db: Queryable, uses: readonly KeyUse[]): Promise<void> {
  await db.query({
    name: 'record-key-uses',
    text: `
      insert into key_use as u (key_id, tenant_id, used_at, address, agent)
      select g.key_id, g.tenant_id, to_timestamp(g.at_ms / 1000), g.address, g.agent
      from unnest($1::uuid[], $2::uuid[], $3::float8[], $4::text[], $5::text[]) as g (key_id, tenant_id, at_ms, address, agent)
      where exists (select from api_key k where k.id = g.key_id)
      order by g.key_id
      on conflict (key_id) do update set used_at = excluded.used_at, address = excluded.address, agent = excluded.agent
        where u.used_at < excluded.used_at`,
    values: [
      uses.map(({ keyId }) => keyId),
      uses.map(({ tenantId }) => tenantId),
      uses.map(({ atMs }) => atMs),
      uses.map(({ address }) => address),
      uses.map(({ agent }) => agent),
    ],
  })
}
