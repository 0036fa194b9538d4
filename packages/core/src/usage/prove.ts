import type { Queryable } from '@lettergate/db/pool'
import { type Drift, findDrift } from './sql/find-drift.ts'

/** Tenants in one look. */
const OF_CLOSED_DAY = 50
/** Milliseconds of one run, which is what bounds its cost: it goes on where it stopped. */
const RUN_MS = { day: 500, tenant: 200 }
const FIRST_TENANT = '00000000-0000-0000-0000-000000000000'

type Walk = 'day' | 'tenant'
type Place = { day: string; tenant_id: string; today: string }

async function readPlace(db: Queryable, walk: Walk): Promise<Place | null> {
  const { rows } = await db.query<Place>({
    name: 'read-usage-proof',
    text: 'select day, reached as tenant_id, usage_today() as today from usage_proof where walk = $1',
    values: [walk],
  })
  return rows[0] ?? null
}

/** Goes on to the next place; false: another worker has been here meanwhile. */
async function moveOn(db: Queryable, walk: Walk, from: Place, to: Place): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'move-usage-proof',
    text: 'update usage_proof set day = $4, reached = $5 where walk = $1 and day = $2 and reached = $3',
    values: [walk, from.day, from.tenant_id, to.day, to.tenant_id],
  })
  return rowCount === 1
}

async function tenantsOf(db: Queryable, day: string, after: string, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ tenant_id: string }>({
    name: 'tenants-of-usage-day',
    text: 'select distinct tenant_id from usage where day = $1 and tenant_id > $2 order by tenant_id limit $3',
    values: [day, after, limit],
  })
  return rows.map((row) => row.tenant_id)
}

function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10)
}

type Step = { place: Place; isOver: boolean; found: Drift[] }

/** Compares the next closed day, some tenants at a time, and never looks at it again. */
async function stepOfDays(db: Queryable, place: Place): Promise<Step> {
  if (place.day >= place.today) return { place, isOver: true, found: [] }
  const tenants = await tenantsOf(db, place.day, place.tenant_id, OF_CLOSED_DAY)
  const found = tenants.length > 0 ? await findDrift(db, tenants, place.day) : []
  const last = tenants.at(-1)
  const next =
    tenants.length < OF_CLOSED_DAY || last === undefined
      ? { day: dayAfter(place.day), tenant_id: FIRST_TENANT }
      : { tenant_id: last }
  return { place: { ...place, ...next }, isOver: false, found }
}

/** Compares today, one tenant after the other, and begins again at the end. */
async function stepOfTenants(db: Queryable, place: Place): Promise<Step> {
  // Messages of the day of the upgrade do not say how many recipients they counted.
  if (place.day > place.today) return { place, isOver: true, found: [] }
  const [tenantId] = await tenantsOf(db, place.today, place.tenant_id, 1)
  if (tenantId === undefined) return { place: { ...place, tenant_id: FIRST_TENANT }, isOver: true, found: [] }
  const found = await findDrift(db, [tenantId], place.today)
  return { place: { ...place, tenant_id: tenantId }, isOver: false, found }
}

/**
 * Proves for a while that what is counted equals what is stored. What differs is reported and never mended: it shows a fault of the gateway
 * that somebody has to look at. Where a worker dies, the next one repeats its last step; of two at one place, one goes on.
 */
export async function proveUsage(
  { pool, isStopped = () => false }: { pool: Queryable; isStopped?: (() => boolean) | undefined },
  walk: Walk,
): Promise<Drift[]> {
  const step = walk === 'day' ? stepOfDays : stepOfTenants
  const drift: Drift[] = []
  const until = performance.now() + RUN_MS[walk]
  for (let place = await readPlace(pool, walk); place !== null; ) {
    const done = await step(pool, place)
    if (!(await moveOn(pool, walk, place, done.place))) break
    drift.push(...done.found)
    place = done.isOver || performance.now() >= until || isStopped() ? null : done.place
  }
  return drift
}
