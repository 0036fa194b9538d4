import { toPublicId } from '@lettergate/contracts/lib/ids'
import { JOB_ERRORS_MAX } from '@lettergate/contracts/suppressions/suppressions'
import { inTransaction, type Pool, type Queryable } from '@lettergate/db/pool'
import { z } from 'zod'
import { type Background, type Failpoint, repeatJobs } from '../lib/index.ts'
import { CELL_LINES_MAX, CsvForm, linesOfEntry, readEntry, writeCells, writeNote } from './csv.ts'
import { JobErrors } from './jobs.ts'
import { CHUNK_LINES, linesFrom } from './split-lines.ts'
import { deleteChunk, insertChunks, readChunk } from './sql/chunks.ts'
import { countEntries, type ExportFilter, type ExportRow, readExportPage } from './sql/export-page.ts'
import { failTurn, finishTurn, type Turn } from './sql/finish-turn.ts'
import { type EntryRow, insertSuppressions } from './sql/insert-suppressions.ts'
import { type TakenJob, takeJob } from './sql/take-job.ts'

/** Chunks that fail in a row until the job is given up: with the waits between them, a minute and a half. */
const FAILURES_MAX = 7

const ImportOptions = CsvForm.extend({ has_header: z.boolean() })
const ExportOptions = z.object({ reason: z.string().optional(), stream: z.string().optional() })

export type ChunkResult = 'done' | 'failed'

type Deps = {
  pool: Pool
  failpoint: Failpoint
  onChunk?: (kind: TakenJob['kind'], result: ChunkResult) => void
  onError: (error: unknown) => void
}

async function importChunk(db: Queryable, job: TakenJob): Promise<Turn> {
  const { tenantId, id, mode } = job
  const number = job.chunks
  const form = ImportOptions.parse(job.options)
  const chunk = await readChunk(db, { tenantId, id, number })
  const errors = JobErrors.parse(job.errors)
  const entries: EntryRow[] = []
  const skipped = number === 0 && form.has_header ? 1 : 0
  let rejected = 0
  const lines = [...linesFrom(chunk?.content ?? Buffer.alloc(0))]
  if (number === 0) lines[0] = lines[0]?.replace(/^\uFEFF/, '') ?? ''
  for (let at = skipped; at < lines.length; ) {
    const count = linesOfEntry(lines.slice(at, at + CELL_LINES_MAX), form.separator)
    const text = lines.slice(at, at + count).join('\n')
    const line = (chunk?.line ?? 1) + at
    at += count
    if (text.trim() === '') continue
    const entry = readEntry(text, form)
    if (!('detail' in entry)) entries.push(entry)
    else {
      rejected += 1
      if (errors.length < JOB_ERRORS_MAX) errors.push({ line, detail: entry.detail })
    }
  }
  const added = entries.length > 0 ? await insertSuppressions(db, { tenantId, mode }, entries) : 0
  await deleteChunk(db, { tenantId, id, number })
  const next = await readChunk(db, { tenantId, id, number: number + 1 })
  return {
    isLast: next === null,
    total: job.total,
    done: Math.max(0, (chunk?.lines ?? 0) - skipped),
    added,
    rejected,
    errors: JSON.stringify(errors),
    reached: null,
  }
}

const HEADER = ['address', 'stream', 'reason', 'note', 'created_at', 'expires_at', 'message_id']

function lineOf(row: ExportRow): string {
  return writeCells([
    row.address,
    row.stream,
    row.reason,
    writeNote(row.note ?? ''),
    row.created_at.toISOString(),
    row.expires_at?.toISOString() ?? '',
    row.message_id === null ? '' : toPublicId('msg', row.message_id),
  ])
}

async function exportChunk(db: Queryable, job: TakenJob): Promise<Turn> {
  const { tenantId, id, mode, chunks: number } = job
  const { reason = null, stream = null } = ExportOptions.parse(job.options)
  const filter: ExportFilter = { tenantId, mode, reason, stream }
  const total = job.total ?? (await countEntries(db, filter))
  const rows = await readExportPage(db, filter, job.reached ?? ['', ''], CHUNK_LINES)
  const lines = [...(number === 0 ? [writeCells(HEADER)] : []), ...rows.map(lineOf)]
  const content = Buffer.from(lines.map((line) => `${line}\r\n`).join(''))
  const chunk = { line: number * CHUNK_LINES + 1, lines: lines.length, content }
  await insertChunks(db, { tenantId, id, number }, [chunk])
  const last = rows.at(-1)
  const isLast = rows.length < CHUNK_LINES
  return {
    isLast,
    total,
    done: rows.length,
    added: 0,
    rejected: 0,
    errors: '[]',
    reached: last ? [last.address, last.stream] : job.reached,
  }
}

/**
 * Carries imports and exports on by one chunk at a time, each in one transaction, the job that waits longest first. Any number of workers
 * may run. A worker that is killed leaves its chunk undone, and another one begins it anew.
 */
export function createSuppressionJobs(deps: Deps): Background {
  /** Whether there was a chunk to do. */
  async function runOne(): Promise<boolean> {
    let job: TakenJob | null = null
    try {
      await inTransaction(deps.pool, async (db) => {
        job = await takeJob(db)
        if (!job) return
        const turn = await (job.kind === 'import' ? importChunk(db, job) : exportChunk(db, job))
        await finishTurn(db, job, turn)
        await deps.failpoint('inside_suppression_chunk')
      })
      return didChunk(job, 'done')
    } catch (error) {
      deps.onError(error)
      didChunk(job, 'failed')
      // Without the database this fails as well, and the job waits as it is.
      if (job) await failTurn(deps.pool, job, FAILURES_MAX)
      return false
    }
  }

  function didChunk(job: TakenJob | null, result: ChunkResult): boolean {
    if (job) deps.onChunk?.(job.kind, result)
    return job !== null
  }

  return repeatJobs(runOne, deps.onError)
}
