import type { Queryable } from '@lettergate/db/pool'
import { z } from 'zod'
import type { DataTurn, TakenDataJob } from './sql/data-job.ts'
import { beginErasure, eraseHit, erasePage, listErasureHits } from './sql/erasure.ts'
import { listTenantTables, type TenantTable } from './sql/tables.ts'
import { withdraw } from './sql/withdraw.ts'

/** Messages in one turn. */
const HITS = 50
/** Rows of one page, of tables with large values, and blocks of a table without a key. */
const ROWS = 2_000
const LARGE_ROWS = 50
/** A page that found nothing is followed by more of them in the same turn. */
const TURN_MS = 1_000
/** A message that is being sent has its result by then. */
const SENDING_WAIT_MS = 5_000

const Place = z.object({
  stage: z.enum(['lists', 'recipient', 'message', 'all']).default('lists'),
  table: z.string().default(''),
  after: z.array(z.string()).nullable().default(null),
})
type Place = z.output<typeof Place>

const NEXT = { lists: 'recipient', recipient: 'message', message: 'all' } as const

/** Their rows hold no text of others, or are the job itself. */
const NOT_SEARCHED = new Set(['data_job', 'feed', 'usage', 'outbox', 'erasure_key'])

function add(counts: Record<string, number>, more: Record<string, number>): void {
  for (const [table, n] of Object.entries(more)) if (n > 0) counts[table] = (counts[table] ?? 0) + n
}

const isLarge = ({ parent }: TenantTable) => /content|chunk|provider_event$/.test(parent)

/** The first table from the place on. */
function tableAt(tables: readonly TenantTable[], { stage, table }: Place): TenantTable | undefined {
  const searched = (one: TenantTable) =>
    stage === 'all' ? !NOT_SEARCHED.has(one.parent) : one.parent === stage
  return tables.find((one) => one.name >= table && searched(one))
}

const behind = (name: string) => `${name}\u0001`

/** Takes the person out of the messages of one day, some at a time: what waits is cancelled first. */
async function eraseMessages(
  db: Queryable,
  job: { tenantId: string | null; address: string },
  table: TenantTable,
  counts: Record<string, number>,
): Promise<'all' | 'some' | 'waits'> {
  const isSender = table.parent === 'message'
  const hits = await listErasureHits(db, { ...job, table: table.name }, HITS)
  const free = hits.filter(({ state }) => state !== 'sending')
  for (const hit of free) {
    if (hit.state !== null)
      await withdraw(db, {
        tenantId: hit.tenantId,
        id: hit.messageId,
        address: isSender ? null : job.address,
      })
    add(counts, await eraseHit(db, hit, job.address, isSender))
  }
  if (hits.length === 0) return 'all'
  return free.length === 0 ? 'waits' : 'some'
}

/**
 * One turn of an erasure: suppression lists, then messages to and from the address, a few at a time, then every text of every table, page by
 * page. What was erased is not found again, so a turn that is repeated does no harm.
 */
export async function eraseTurn(db: Queryable, job: TakenDataJob): Promise<DataTurn> {
  const { address, tenantId } = job
  if (address === null) return { isLast: true, place: {} }
  let place = Place.parse(job.place)
  const counts: Record<string, number> = {}
  const until = performance.now() + TURN_MS
  if (place.stage === 'lists') {
    add(counts, { suppression: await beginErasure(db, tenantId, address) })
    return { isLast: false, place: { stage: NEXT.lists }, counts }
  }
  const tables = await listTenantTables(db)
  while (performance.now() < until) {
    const table = tableAt(tables, place)
    if (place.stage !== 'all') {
      if (!table) {
        place = { stage: NEXT[place.stage], table: '', after: null }
        continue
      }
      const result = await eraseMessages(db, { tenantId, address }, table, counts)
      if (result === 'waits') return { isLast: false, place, counts, waitMs: SENDING_WAIT_MS }
      if (result === 'some') return { isLast: false, place, counts }
      place = { ...place, table: behind(table.name) }
      continue
    }
    if (!table) return { isLast: true, place: {}, counts }
    const after = table.name === place.table ? place.after : null
    const rows = isLarge(table) ? LARGE_ROWS : ROWS
    const { hits, next } = await erasePage(db, { tenantId, address, table: table.name, after }, rows)
    add(counts, { [table.isManaged ? `kept in ${table.parent}` : table.parent]: hits })
    place = { stage: 'all', table: next ? table.name : behind(table.name), after: next }
  }
  return { isLast: false, place, counts }
}
