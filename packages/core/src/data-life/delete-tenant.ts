import type { Queryable } from '@lettergate/db/pool'
import { z } from 'zod'
import { SENDING_LEASE_MS } from '../lib/index.ts'
import type { DataTurn, TakenDataJob } from './sql/data-job.ts'
import { deletePage, forgetTenant, stopTenant } from './sql/deletion.ts'

/** Rows in one turn. */
const ROWS = 5_000
/** Keys are cached for less than five seconds. */
const KEYS_STOP_MS = 6_000
/** Whatever a worker had in hand when its row went is recorded by then. */
const LATE_MS = SENDING_LEASE_MS + 5_000

const Place = z.object({
  stage: z.enum(['stop', 'delete', 'late']).default('stop'),
})
const Options = z.object({ actor: z.json().default({ kind: 'system' }) })

export type DeletionWaits = { keysMs: number; lateMs: number }
export const DELETION_WAITS: DeletionWaits = { keysMs: KEYS_STOP_MS, lateMs: LATE_MS }

/**
 * One turn of a deletion: stop (keys and secrets), delete (until nothing is left), late (once more, after workers have recorded what they had
 * in hand), and then the tenant itself.
 */
export async function deleteTurn(db: Queryable, job: TakenDataJob, waits: DeletionWaits): Promise<DataTurn> {
  const { stage } = Place.parse(job.place)
  const actor = JSON.stringify(Options.parse(job.options).actor)
  const tenantId = job.subject ?? ''
  if (stage === 'stop') {
    await stopTenant(db, tenantId, actor)
    return { isLast: false, place: { stage: 'delete' }, waitMs: waits.keysMs }
  }
  const page = await deletePage(db, tenantId, ROWS)
  if (page) return { isLast: false, place: { stage }, counts: { [page.table]: page.deleted } }
  if (stage === 'delete') return { isLast: false, place: { stage: 'late' }, waitMs: waits.lateMs }
  await forgetTenant(db, tenantId, actor)
  return { isLast: true, place: {}, counts: { tenant: 1 } }
}
