import { newId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import type {
  ExportSuppressionsRequest,
  ImportSuppressionsQuery,
} from '@lettergate/contracts/suppressions/suppressions'
import type { ManagedTables, TenantPrisma } from '@lettergate/db/prisma'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { z } from 'zod'
import { fromStorage, toJson } from '../lib/index.ts'
import { formOf } from './csv.ts'
import type { ListOwner } from './manage.ts'
import { splitLines } from './split-lines.ts'
import { cancelJob as cancel } from './sql/cancel-job.ts'
import { insertChunks, readChunk } from './sql/chunks.ts'
import { insertImport } from './sql/insert-import.ts'

/** Lines of one file. */
export const IMPORT_LINES_MAX = 1_000_000
/** As much as the longest line that is read can have. */
const LINE_BYTES_MAX = 8_000
/** Bytes in which the first line is looked for. */
const HEAD_BYTES = 4_096
/** Blank lines, and the line in which a spreadsheet names its separator. */
const LEAD = /^\uFEFF?(?:[ \t]*\r?\n|"?sep=.?"?\r?\n)*/i
/** Jobs of one tenant that are not finished: each holds a file in the database. */
const OPEN_JOBS_MAX = 5

export const JobErrors = z.array(z.object({ line: z.number(), detail: z.string() }))

const StoredJob = z.object({
  id: z.string(),
  kind: z.enum(['import', 'export']),
  state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
  total: z.number().nullable(),
  done: z.number(),
  added: z.number(),
  rejected: z.number(),
  errors: JobErrors,
  reason: z.string().nullable(),
  created_at: z.date(),
  finished_at: z.date().nullable(),
})
export type JobRow = z.output<typeof StoredJob>

type Deps = { tenants: Tenants; prisma: TenantPrisma }

async function checkRoom(db: ManagedTables, tenantId: string): Promise<void> {
  const open = await db.suppression_job.count({
    where: { tenant_id: tenantId, state: { in: ['waiting', 'running'] } },
  })
  if (open < OPEN_JOBS_MAX) return
  throw new Problem('wrong-state', {
    detail: `${OPEN_JOBS_MAX} imports and exports of yours are not finished, which is the most. Wait until one of them is done.`,
  })
}

function notReadable(detail: string): Problem {
  return new Problem('validation-failed', { detail })
}

/** Takes over a file, whole or not at all; a worker reads it in chunks. */
export async function startImport(
  deps: Deps,
  { tenantId, mode }: ListOwner,
  file: Buffer,
  defaults: ImportSuppressionsQuery,
): Promise<JobRow> {
  const head = file.subarray(0, HEAD_BYTES).toString()
  const lead = LEAD.exec(head)?.[0] ?? ''
  const { form, hasHeader } = formOf(head.slice(lead.length).split(/\r?\n/, 1)[0] ?? '', defaults)
  const chunks = await splitLines(file.subarray(Buffer.byteLength(lead)), {
    separator: form.separator,
    firstLine: lead.split('\n').length,
    linesMax: IMPORT_LINES_MAX,
    lineBytesMax: LINE_BYTES_MAX,
  })
  if (chunks === 'too-many')
    throw notReadable(`The file has more than ${IMPORT_LINES_MAX} lines. Split it, and import each part.`)
  if ('longLine' in chunks)
    throw notReadable(
      `Line ${chunks.longLine} has more than ${LINE_BYTES_MAX} bytes: this is no list of addresses. Write each address on a line of its own.`,
    )
  const total = chunks.reduce((sum, { lines }) => sum + lines, 0) - (hasHeader ? 1 : 0)
  if (total < 1) throw notReadable('The file has no addresses.')
  await fromStorage(deps.prisma.forTenant(tenantId, (db) => checkRoom(db, tenantId)))
  const id = newId()
  const options = JSON.stringify({ ...form, has_header: hasHeader })
  await fromStorage(
    deps.tenants.forTenant(tenantId).transaction(async (db) => {
      await insertImport(db, { tenantId, mode, id, options, total })
      await insertChunks(db, { tenantId, id, number: 0 }, chunks)
    }),
  )
  return readJob(deps, { tenantId, mode }, id)
}

/** A worker writes the file in chunks. */
export async function startExport(
  deps: Deps,
  { tenantId, mode }: ListOwner,
  filter: ExportSuppressionsRequest,
): Promise<JobRow> {
  const row = { tenant_id: tenantId, id: newId(), mode, kind: 'export', options: toJson(filter) }
  const job = await fromStorage(
    deps.prisma.forTenant(tenantId, async (db) => {
      await checkRoom(db, tenantId)
      return await db.suppression_job.create({ data: row })
    }),
  )
  return StoredJob.parse(job)
}

export async function readJob(
  deps: Pick<Deps, 'prisma'>,
  { tenantId, mode }: ListOwner,
  id: string,
): Promise<JobRow> {
  const job = await fromStorage(
    deps.prisma.forTenant(tenantId, (db) =>
      db.suppression_job.findFirst({ where: { tenant_id: tenantId, id, mode } }),
    ),
  )
  if (!job) throw new Problem('not-found')
  return StoredJob.parse(job)
}

/** Ends a job that has not ended; `wrong-state` if it has. */
export async function cancelJob(deps: Deps, owner: ListOwner, id: string): Promise<JobRow> {
  const isCancelled = await fromStorage(cancel(deps.tenants.forTenant(owner.tenantId), { ...owner, id }))
  const job = await readJob(deps, owner, id)
  if (!isCancelled)
    throw new Problem('wrong-state', { detail: `The job has ended already: it is ${job.state}.` })
  return job
}

/** The file of an export, piece by piece; `wrong-state` unless it is done. */
export async function readExport(deps: Deps, owner: ListOwner, id: string): Promise<AsyncGenerator<Buffer>> {
  const { kind, state } = await readJob(deps, owner, id)
  if (kind !== 'export' || state !== 'done') {
    const detail =
      kind === 'import'
        ? 'An import has no file to read.'
        : 'The export is not done yet. Read the job until its state is done.'
    throw new Problem('wrong-state', { detail })
  }
  return readPieces(deps.tenants, owner.tenantId, id)
}

async function* readPieces(tenants: Tenants, tenantId: string, id: string): AsyncGenerator<Buffer> {
  const db = tenants.forTenant(tenantId)
  for (let number = 0; ; number += 1) {
    const piece = await readChunk(db, { tenantId, id, number })
    if (!piece) return
    yield piece.content
  }
}
