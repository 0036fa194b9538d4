import type { Queryable } from '@lettergate/db/pool'
import type { Sealed } from '../../secrets/index.ts'
import { INSERT_STATE } from './insert-state.ts'

/** Stores the secret, and begins to look for messages with a URL of their own, unless both are there. */
export async function insertDefaultSecret(
  db: Queryable,
  { tenantId, mode, id }: { tenantId: string; mode: string; id: string },
  { sealed, dataKeyVersion }: Sealed,
): Promise<void> {
  await db.query({
    name: 'insert-default-secret',
    text: `
      insert into default_secret (tenant_id, mode, id, sealed_secrets, data_key_version) values ($1, $2, $3, $4, $5)
      on conflict (tenant_id, mode) do nothing`,
    values: [tenantId, mode, id, sealed, dataKeyVersion],
  })
  const { rows } = await db.query<{ id: string }>({
    name: 'find-default-secret',
    text: 'select id from default_secret where tenant_id = $1 and mode = $2',
    values: [tenantId, mode],
  })
  await db.query({
    name: 'insert-endpoint-state',
    text: INSERT_STATE,
    values: [rows[0]?.id, tenantId, mode, null],
  })
}
