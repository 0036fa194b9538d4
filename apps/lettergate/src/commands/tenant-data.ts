import { open, rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import {
  type DataJobRow,
  readExportFile,
  readJobOf,
  runDataTurn,
  startDataExport,
  startDeletion,
  tenantName,
} from '@lettergate/core/data-life'
import { noFailpoint } from '@lettergate/core/lib'
import type { Pool } from '@lettergate/db/pool'
import type { Command } from 'commander'
import { z } from 'zod'
import { CliError } from '../cli-error.ts'
import { parseOptions } from './parse-options.ts'
import { withDatabase } from './with-database.ts'

const WAIT_MS = 500

const ExportOptions = z.object({
  out: z.string().min(1, 'must not be empty'),
  content: z.boolean().default(false),
  since: z.iso.date('must be a date, such as 2026-11-20').nullable().default(null),
  until: z.iso.date('must be a date, such as 2026-11-20').nullable().default(null),
})
const DeleteOptions = z.object({
  confirm: z.string().min(1, 'must be the name of the tenant'),
  export: z.string().min(1, 'must not be empty').optional(),
  dryRun: z.boolean().default(false),
})

function toTenantId(text: string): string {
  const id = fromPublicId('ten', text)
  if (id === null) throw new CliError(`${text} is not the id of a tenant: that is ten_ and 26 characters`)
  return id
}

/** Problems are for people here, too. */
async function inWords<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    throw new CliError(error.code === 'not-found' ? 'there is no such tenant' : error.detail)
  }
}

/** Does the turns of a job here, beside the workers, until it has ended. If this process is ended, they go on. */
async function finish(pool: Pool, id: string): Promise<DataJobRow> {
  const onError = (error: unknown) => void process.stderr.write(`lettergate: ${String(error)}\n`)
  for (;;) {
    const job = await readJobOf(pool, id)
    if (job.finished_at !== null) return job
    if (!(await runDataTurn({ pool, failpoint: noFailpoint, onError }, id))) await sleep(WAIT_MS)
  }
}

/** An error of the file system is one line; any other stays as it is. */
function toFileError(path: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new CliError(`cannot write ${path}: ${error.message}`, { cause: error })
  }
}

/** Writes the file whole or not at all. It is opened before the export, which may take hours, and is on the disk before a deletion begins. */
async function exportTo(
  pool: Pool,
  tenantId: string,
  options: z.output<typeof ExportOptions>,
): Promise<void> {
  const { out, ...wish } = options
  const part = `${out}.part`
  const file = await open(part, 'w', 0o600).catch(toFileError(part))
  try {
    const { id } = await inWords(startDataExport(pool, tenantId, wish))
    const job = await finish(pool, id)
    if (job.error !== null) throw new CliError(job.error)
    const pieces = await readExportFile(pool, id)
    await pipeline(pieces, file.createWriteStream({ flush: true })).catch(toFileError(part))
    await rename(part, out).catch(toFileError(out))
    const rows = Object.values(job.counts).reduce((sum, n) => sum + n, 0)
    process.stdout.write(
      `${rows.toLocaleString('en-US')} rows, ${job.bytes.toLocaleString('en-US')} bytes in ${out}\n`,
    )
  } finally {
    await file.close()
    await rm(part, { force: true })
  }
}

/** `lettergate tenant export` and `tenant delete`. */
export function addTenantDataCommands(tenant: Command): void {
  tenant
    .command('export')
    .argument('<id>', 'id of the tenant')
    .description('write all that a tenant has into a file of JSON lines, without secrets')
    .requiredOption('--out <file>', 'the file')
    .option('--content', 'also texts, mails and files')
    .option('--since <day>', 'first UTC day of messages')
    .option('--until <day>', 'last UTC day of messages')
    .action(async (id: string, given: unknown) => {
      const options = parseOptions(ExportOptions, given)
      await withDatabase(({ pool }) => exportTo(pool, toTenantId(id), options))
    })
  tenant
    .command('delete')
    .argument('<id>', 'id of the tenant')
    .description('delete a tenant with everything it has, for good')
    .requiredOption('--confirm <name>', 'the name of the tenant')
    .option('--export <file>', 'export its data into this file first')
    .option('--dry-run', 'check the name, and delete nothing')
    .action(async (id: string, given: unknown) => {
      const options = parseOptions(DeleteOptions, given)
      await withDatabase(async ({ pool }) => {
        const tenantId = toTenantId(id)
        const name = await inWords(tenantName(pool, tenantId))
        if (name !== options.confirm)
          throw new CliError('nothing was deleted: --confirm is not the name of this tenant')
        if (options.dryRun) {
          process.stdout.write(`${id} would be deleted. Its keys would stop within 5 seconds.\n`)
          return
        }
        if (options.export !== undefined)
          await exportTo(pool, tenantId, { out: options.export, content: true, since: null, until: null })
        const actor = { kind: 'cli' }
        const made = await inWords(
          startDeletion({ db: pool, own: pool }, tenantId, { confirm: options.confirm, actor }),
        )
        process.stdout.write(`${toPublicId('job', made.id)} deletes ${id}; this takes a minute at least\n`)
        const { counts } = await finish(pool, made.id)
        for (const [table, n] of Object.entries(counts))
          process.stdout.write(`${table.padEnd(24)} ${n.toLocaleString('en-US')}\n`)
      })
    })
}
