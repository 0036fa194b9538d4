import type { BulkAction, BulkFilter } from '@lettergate/contracts/messages/bulk'
import type { Queryable } from '@lettergate/db/pool'
import { FIRST_TENANT } from '../dispatch/index.ts'
import { fromStorage } from '../lib/index.ts'
import { type StoredFilter, storeFilter } from './bulk-filter.ts'
import { type BulkPage, readBulkPage } from './bulk-walk.ts'
import { nextTenant } from './sql/next-tenant.ts'

/** A request is answered within a few seconds: beyond this time, the counts are of the newest messages. */
const COUNT_MS = 2_000
const EXAMPLES_MAX = 5

export type Preview = { matched: number; applicable: number; isComplete: boolean; examples: string[] }

/** Whose messages: of one tenant, or of all. */
export type BulkScope = { ofTenant: string | null; mode: 'live' | 'test' | null }

/** Counts what an action would change now. */
export async function previewBulk(
  db: Queryable,
  { ofTenant, mode }: BulkScope,
  { action, filter }: { action: BulkAction; filter: BulkFilter },
  options: { now: number; countMs?: number },
): Promise<Preview> {
  const deadline = performance.now() + (options.countMs ?? COUNT_MS)
  const query = { action, mode, filter: storeFilter(filter, options.now) }
  const preview: Preview = { matched: 0, applicable: 0, isComplete: true, examples: [] }
  let tenantId = ofTenant ?? (await fromStorage(nextTenant(db, FIRST_TENANT)))
  while (tenantId !== null) {
    await countTenant(db, tenantId, query, preview, deadline)
    if (!preview.isComplete || ofTenant !== null) break
    tenantId = await fromStorage(nextTenant(db, tenantId))
  }
  return preview
}

async function countTenant(
  db: Queryable,
  tenantId: string,
  query: { action: BulkAction; mode: string | null; filter: StoredFilter },
  preview: Preview,
  deadline: number,
): Promise<void> {
  let before: string | null = null
  do {
    if (performance.now() > deadline) {
      preview.isComplete = false
      return
    }
    const page: BulkPage = await fromStorage(readBulkPage(db, tenantId, query, before))
    const { matches, next } = page
    const applicable = matches.filter(({ isApplicable }) => isApplicable)
    preview.matched += matches.length
    preview.applicable += applicable.length
    const room = EXAMPLES_MAX - preview.examples.length
    preview.examples.push(...applicable.slice(0, room).map(({ id }) => id))
    before = next
  } while (before !== null)
}
