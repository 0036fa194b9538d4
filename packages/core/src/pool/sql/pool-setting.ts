import type { Queryable } from '@lettergate/db/pool'
import { POOL_TENANT_ID } from '../../lib/index.ts'

/** What the operator set for the pool as a whole. */
export type PoolSetting = {
  default_from: string | null
  held_share: number
  window_days: number
  recipients_min: number
  bounces_min: number
  complaints_min: number
  bounces_warn: number
  bounces_pause: number
  complaints_warn: number
  complaints_pause: number
  new_bounces: number
  new_complaints: number
  ramp_from: number | null
}

const COLUMNS = `default_from, held_share::float8, window_days, recipients_min, bounces_min, complaints_min, bounces_warn::float8,
  bounces_pause::float8, complaints_warn::float8, complaints_pause::float8, new_bounces, new_complaints, ramp_from`

export async function readPoolSetting(db: Queryable): Promise<PoolSetting> {
  const { rows } = await db.query<PoolSetting>({
    name: 'read-pool-setting',
    text: `select ${COLUMNS} from pool_setting`,
  })
  const [row] = rows
  if (!row) throw new Error('the row of the settings of the pool is missing')
  // Stored as 32-bit numbers: 0.1 is to be read as 0.1.
  const rounded = Object.entries(row).map(([name, value]) => [
    name,
    typeof value === 'number' ? Number(value.toPrecision(6)) : value,
  ])
  return Object.assign(row, Object.fromEntries(rounded))
}

/** Replaces what `change` names. The version of the pool rises with it, so that workers and accept see it. */
export async function updatePoolSetting(db: Queryable, change: Partial<PoolSetting>): Promise<void> {
  await db.query({
    name: 'update-pool-setting',
    text: `
      with changed as (
        update tenant set connections_version = connections_version + 1 where id = $2
      )
      update pool_setting s set
        default_from = n.default_from, held_share = n.held_share, window_days = n.window_days, recipients_min = n.recipients_min,
        bounces_min = n.bounces_min, complaints_min = n.complaints_min, bounces_warn = n.bounces_warn, bounces_pause = n.bounces_pause,
        complaints_warn = n.complaints_warn, complaints_pause = n.complaints_pause, new_bounces = n.new_bounces,
        new_complaints = n.new_complaints, ramp_from = n.ramp_from, updated_at = now()
      from pool_setting o cross join lateral jsonb_populate_record(o, $1::jsonb) n`,
    values: [JSON.stringify(change), POOL_TENANT_ID],
  })
}
