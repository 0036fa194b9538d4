import type { Queryable } from '@lettergate/db/pool'

/** A proved domain, once for each key that signs, or once without. RSA first: some receivers read only the first signature. */
export type SigningRow = {
  name: string
  has_return_path: boolean
  nearer: string[]
  key_id: string | null
  selector: string | null
  sealed_key: Buffer | null
  data_key_version: number | null
}

export async function listSigning(db: Queryable, tenantId: string): Promise<SigningRow[]> {
  const { rows } = await db.query<SigningRow>({
    name: 'list-signing-domains',
    text: `
      select d.name, d.has_return_path, nearer_domains($1) as nearer, k.id as key_id, k.selector, k.sealed_key, k.data_key_version
      from domain d
      left join domain_key k on k.tenant_id = d.tenant_id and k.domain_id = d.id and k.state = 'active' and k.sealed_key is not null
      where d.tenant_id = $1 and d.state = 'verified'
      order by d.name, k.algorithm desc nulls last`,
    values: [tenantId],
  })
  return rows
}
