import type { Queryable } from '@lettergate/db/pool'
import type { Sealed } from '../../secrets/index.ts'
import { INSERT_STATE } from './insert-state.ts'

export type DefaultSecretRow = Sealed & { id: string }
type Owner = { tenantId: string; mode: string }

export async function readDefaultSecretRow(
  db: Queryable,
  { tenantId, mode }: Owner,
): Promise<DefaultSecretRow | null> {
  const { rows } = await db.query<DefaultSecretRow>({
    name: 'read-default-secret',
    text: `
      select id, sealed_secrets as sealed, data_key_version as "dataKeyVersion" from default_secret
      where tenant_id = $1 and mode = $2`,
    values: [tenantId, mode],
  })
  return rows[0] ?? null
}

/** Stores the secret, and begins to look for messages with a URL of their own; answers that which stands, if another was first. */
export async function insertDefaultSecret(
  db: Queryable,
  owner: Owner,
  { id, sealed, dataKeyVersion }: DefaultSecretRow,
): Promise<DefaultSecretRow> {
  const { tenantId, mode } = owner
  await db.query({
    name: 'insert-default-secret',
    text: `
      insert into default_secret (tenant_id, mode, id, sealed_secrets, data_key_version) values ($1, $2, $3, $4, $5)
      on conflict (tenant_id, mode) do nothing`,
    values: [tenantId, mode, id, sealed, dataKeyVersion],
  })
  const stored = await readDefaultSecretRow(db, owner)
  if (!stored) throw new Error('the secret that was just stored is not there')
  await db.query({
    name: 'insert-endpoint-state',
    text: INSERT_STATE,
    values: [stored.id, tenantId, mode, null],
  })
  return stored
}

/** Replaces the secret unless another has done so meanwhile; answers whether it did. */
export async function replaceDefaultSecret(
  db: Queryable,
  { tenantId, mode }: Owner,
  before: DefaultSecretRow,
  { sealed, dataKeyVersion }: Sealed,
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'replace-default-secret',
    text: `
      update default_secret set sealed_secrets = $4, data_key_version = $5, updated_at = now()
      where tenant_id = $1 and mode = $2 and sealed_secrets = $3`,
    values: [tenantId, mode, before.sealed, sealed, dataKeyVersion],
  })
  return rowCount === 1
}
