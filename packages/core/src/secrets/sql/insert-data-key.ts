import type { Queryable } from '@lettergate/db/pool'

const text = `
insert into data_key (tenant_id, version, root_version, wrapped) values ($1, $2, $3, $4)
on conflict (tenant_id, version) do nothing`

/** Stores a wrapped data key unless this version exists: the first writer wins. */
export async function insertDataKey(
  db: Queryable,
  tenantId: string,
  key: { version: number; rootVersion: number; wrapped: Buffer },
): Promise<void> {
  await db.query({ text, values: [tenantId, key.version, key.rootVersion, key.wrapped] })
}
