import { PoolSettings } from '@lettergate/contracts/pool/pool'
import type { Queryable } from '@lettergate/db/pool'
import { POOL_TENANT_ID } from '../../lib/index.ts'

/** Reads what the operator set for the pool as a whole. As JSON, a 32-bit 0.1 is read as 0.1. */
export async function readPoolSetting(db: Queryable): Promise<PoolSettings> {
  const { rows } = await db.query<{ setting: unknown }>({
    name: 'read-pool-setting',
    text: 'select to_jsonb(s) as setting from pool_setting s',
  })
  const [row] = rows
  if (!row) throw new Error('the row of the settings of the pool is missing')
  return PoolSettings.parse(row.setting)
}

const REPLACED = Object.keys(PoolSettings.shape).map((column) => `${column} = n.${column}`)

/** Replaces what `change` names. The version of the pool rises with it, so that workers and accept see it. */
export async function updatePoolSetting(db: Queryable, change: Partial<PoolSettings>): Promise<void> {
  await db.query({
    name: 'update-pool-setting',
    text: `
      with changed as (
        update tenant set connections_version = connections_version + 1 where id = $2
      )
      update pool_setting s set ${REPLACED.join(', ')}, updated_at = now()
      from pool_setting o cross join lateral jsonb_populate_record(o, $1::jsonb) n`,
    values: [JSON.stringify(change), POOL_TENANT_ID],
  })
}
