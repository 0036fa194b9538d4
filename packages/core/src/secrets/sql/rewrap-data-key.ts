import type { Queryable } from '@lettergate/db/pool'

const text = `
update data_key set root_version = $4, wrapped = $5
where tenant_id = $1 and version = $2 and root_version = $3`

/** Replaces the wrapping of one data key, unless another process has done so. */
export async function rewrapDataKey(
  db: Queryable,
  key: { tenantId: string; version: number; from: number; to: number; wrapped: Buffer },
): Promise<void> {
  await db.query({ text, values: [key.tenantId, key.version, key.from, key.to, key.wrapped] })
}
