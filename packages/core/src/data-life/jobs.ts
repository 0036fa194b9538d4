import { createHash } from 'node:crypto'
import { newId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { Queryable } from '@lettergate/db/pool'
import { fromStorage, POOL_TENANT_ID } from '../lib/index.ts'
import {
  countOpenJobs,
  type DataJobRow,
  insertDataJob,
  type JobKind,
  type NewDataJob,
  readDataChunk,
  readDataJob,
} from './sql/data-job.ts'
import { readTenantName } from './sql/read-tenant-name.ts'

/** Jobs of one tenant and kind that are not finished. */
const OPEN_MAX = { export: 2, erasure: 1_000, deletion: 1 } as const

export type ExportWish = { content: boolean; since: string | null; until: string | null }
export type ErasureWish = { address: string; reason?: string | undefined }

async function make(db: Queryable, job: Omit<NewDataJob, 'id'>): Promise<DataJobRow> {
  const id = newId()
  const made = await fromStorage(
    (async () => {
      if (job.tenantId !== null) await checkRoom(db, job.tenantId, job.kind)
      await insertDataJob(db, { id, ...job })
      return await readDataJob(db, id)
    })(),
  )
  if (!made) throw new Error(`the job ${id} vanished`)
  return made
}

async function checkRoom(db: Queryable, tenantId: string, kind: JobKind): Promise<void> {
  if ((await countOpenJobs(db, tenantId, kind)) < OPEN_MAX[kind]) return
  throw new Problem('wrong-state', {
    detail: `${OPEN_MAX[kind]} jobs of this kind are not finished, which is the most. Wait until one of them is done.`,
  })
}

/** The name of a tenant, as `own` may see it: its own scope, or the operator's; `not-found` if there is none. */
export async function tenantName(own: Queryable, tenantId: string): Promise<string> {
  const name = await fromStorage(readTenantName(own, tenantId))
  if (name === null) throw new Problem('not-found')
  return name
}

/** A worker writes all that a tenant has into a file. */
export async function startDataExport(
  own: Queryable,
  tenantId: string,
  options: ExportWish,
): Promise<DataJobRow> {
  await tenantName(own, tenantId)
  return await make(own, { tenantId, kind: 'export', options })
}

const erasureOf = ({ address, reason }: ErasureWish) => ({
  kind: 'erasure' as const,
  address,
  addressHash: createHash('sha256').update(address).digest('hex'),
  reason,
})

/** A worker erases an address, in lower case, from all that a tenant has. */
export async function startErasure(own: Queryable, tenantId: string, wish: ErasureWish): Promise<DataJobRow> {
  await tenantName(own, tenantId)
  return await make(own, { tenantId, ...erasureOf(wish) })
}

/** As `startErasure`, for all tenants. */
export async function startErasureOfAll(db: Queryable, wish: ErasureWish): Promise<DataJobRow> {
  return await make(db, { tenantId: null, ...erasureOf(wish) })
}

/** A worker deletes a tenant with everything it has. `confirm` is the tenant's name, against a wrong id. */
export async function startDeletion(
  deps: { db: Queryable; own: Queryable },
  tenantId: string,
  { confirm, actor }: { confirm: string; actor: object },
): Promise<DataJobRow> {
  // What the shared pool is made of is no tenant that could go.
  if (tenantId === POOL_TENANT_ID) throw new Problem('not-found')
  const name = await tenantName(deps.own, tenantId)
  if (confirm !== name)
    throw new Problem('validation-failed', {
      detail: 'Nothing was deleted: confirm is not the name of this tenant.',
      errors: [{ pointer: '#/confirm', detail: 'must be the name of the tenant' }],
    })
  return await make(deps.db, { tenantId: null, kind: 'deletion', subject: tenantId, options: { actor } })
}

/** A job as far as `db` may see it; `not-found` for any other. */
export async function readJobOf(db: Queryable, id: string, kind?: JobKind): Promise<DataJobRow> {
  const job = await fromStorage(readDataJob(db, id))
  if (!job || (kind !== undefined && job.kind !== kind)) throw new Problem('not-found')
  return job
}

/** The file of an export, piece by piece; `wrong-state` unless it is done. */
export async function readExportFile(db: Queryable, id: string): Promise<AsyncGenerator<Buffer>> {
  const { state } = await readJobOf(db, id, 'export')
  if (state !== 'done')
    throw new Problem('wrong-state', {
      detail: 'The export is not done. Read the job until its state is done.',
    })
  return readPieces(db, id)
}

async function* readPieces(db: Queryable, id: string): AsyncGenerator<Buffer> {
  for (let chunk = 0; ; chunk += 1) {
    const piece = await readDataChunk(db, { id, chunk })
    if (!piece) return
    yield piece
  }
}
