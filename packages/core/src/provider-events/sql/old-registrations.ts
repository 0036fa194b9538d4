import type { Queryable } from '@lettergate/db/pool'

export type OldRegistrationsRow = { version: number; registrations: unknown }

/** Webhooks of before rotations; null if the hook is gone. */
export async function readOldRegistrations(
  db: Queryable,
  tenantId: string,
  connectionId: string,
): Promise<OldRegistrationsRow | null> {
  const { rows } = await db.query<OldRegistrationsRow>({
    name: 'read-old-registrations',
    text: `
      select version, coalesce(old_registrations, '[]') as registrations
      from hook where tenant_id = $1 and connection_id = $2`,
    values: [tenantId, connectionId],
  })
  return rows[0] ?? null
}

/** Stores which are left, unless the hook was changed since `version`; `retireAt` null: none. */
export async function writeOldRegistrations(
  db: Queryable,
  tenantId: string,
  connectionId: string,
  left: { version: number; registrations: object[]; retireAt: Date | null },
): Promise<void> {
  await db.query({
    name: 'write-old-registrations',
    text: `
      update hook set old_registrations = $4, retire_at = $5, version = version + 1
      where tenant_id = $1 and connection_id = $2 and version = $3`,
    values: [tenantId, connectionId, left.version, JSON.stringify(left.registrations), left.retireAt],
  })
}
