import { type IdPrefix, toPublicId } from '@lettergate/contracts/lib/ids'
import type { Queryable } from '@lettergate/db/pool'
import { z } from 'zod'
import { POOL_TARGET, toConnectionName } from '../lib/index.ts'
import type { DataTurn, TakenDataJob } from './sql/data-job.ts'
import { readDataPage, readTenantRow } from './sql/export-page.ts'
import { listTenantTables, type TenantTable } from './sql/tables.ts'

const ROWS = 500
/** Of content and files. */
const LARGE_ROWS = 10
/** A turn ends with this much. */
const CHUNK_BYTES = 1_000_000
/** Of one export, in the database. */
export const EXPORT_BYTES_MAX = 20_000_000_000

export const ExportOptions = z.object({
  content: z.boolean().default(false),
  since: z.string().nullable().default(null),
  until: z.string().nullable().default(null),
})

const Place = z.object({
  table: z.string().default(''),
  after: z.array(z.string()).nullable().default(null),
})

/** Not the tenant's own: work in progress of the gateway, its keys and hashes, and files of other jobs. */
const NOT_EXPORTED = new Set([
  'data_key',
  'erasure_key',
  'data_job',
  'data_chunk',
  'suppression_job',
  'suppression_chunk',
  'outbox',
  'idempotency',
  'feed',
  'delivery',
  'endpoint_state',
  'provider_event',
  'provider_event_due',
  'connection_health',
  'connection_share',
  'connection_usage',
  // Names the connections of the pool.
  'pool_message',
])
const CONTENT = new Set(['message_content', 'message_raw_chunk', 'attachment_chunk'])

/** The ids of rows, by table, and of what columns refer to. */
const OWN_PREFIX: Record<string, IdPrefix> = {
  message: 'msg',
  connection: 'con',
  route: 'rte',
  endpoint: 'end',
  api_key: 'key',
  domain: 'dom',
  tenant: 'ten',
}
const PREFIX_OF: Record<string, IdPrefix> = { message_id: 'msg', connection_id: 'con', endpoint_id: 'end' }

const Row = z.record(z.string(), z.json())
/** How an attempt says that the shared pool made it, whose connections belong to the operator. */
const ByPool = z.object({ choice: z.object({ pool: z.literal(true) }) })

/** A row as its line: what it is, then its columns, with ids as the API writes them. */
export function toLine(table: string, json: string): string {
  const { tenant_id: _, ...row } = Row.parse(JSON.parse(json))
  for (const [column, value] of Object.entries(row)) {
    const prefix = column === 'id' ? OWN_PREFIX[table] : PREFIX_OF[column]
    if (!prefix || typeof value !== 'string') continue
    row[column] = prefix === 'con' && column !== 'id' ? toConnectionName(value) : toPublicId(prefix, value)
  }
  if (ByPool.safeParse(row).success) row.connection_id = POOL_TARGET
  return `${JSON.stringify({ table, row })}\n`
}

const dayOf = (name: string) => /_(\d{4})(\d\d)(\d\d)$/.exec(name)?.slice(1).join('-')

function isWanted({ name, parent }: TenantTable, options: z.output<typeof ExportOptions>): boolean {
  if (NOT_EXPORTED.has(parent) || /_(gone|kept)$/.test(name)) return false
  if (CONTENT.has(parent) && !options.content) return false
  const day = dayOf(name)
  if (day === undefined) return true
  return (options.since === null || day >= options.since) && (options.until === null || day <= options.until)
}

/** One turn of an export: pages of tables, in the order of their names and keys, until the chunk is full. */
export async function exportTurn(db: Queryable, job: TakenDataJob): Promise<DataTurn> {
  const options = ExportOptions.parse(job.options)
  const tenantId = job.tenantId ?? ''
  const tables = (await listTenantTables(db)).filter((table) => isWanted(table, options))
  let place = Place.parse(job.place)
  const counts: Record<string, number> = {}
  const lines: string[] = []
  let bytes = 0
  if (job.chunks === 0) lines.push(toLine('tenant', await readTenantRow(db, tenantId)))
  while (bytes < CHUNK_BYTES) {
    const table = tables.find(({ name }) => name >= place.table)
    if (!table) return { isLast: true, place: {}, counts, chunk: Buffer.from(lines.join('')) }
    const after = table.name === place.table ? place.after : null
    const withBytes = CONTENT.has(table.parent)
    const page = await readDataPage(
      db,
      { tenantId, table: table.name, after, withBytes },
      withBytes ? LARGE_ROWS : ROWS,
    )
    for (const json of page.lines) {
      const line = toLine(table.parent, json)
      bytes += line.length
      lines.push(line)
    }
    if (page.lines.length > 0) counts[table.parent] = (counts[table.parent] ?? 0) + page.lines.length
    place = { table: page.next ? table.name : `${table.name}\u0001`, after: page.next }
  }
  if (job.bytes + bytes > EXPORT_BYTES_MAX)
    return {
      isLast: false,
      place,
      error: 'The export has more than 20 GB. Export parts of it, by since and until.',
    }
  return { isLast: false, place, counts, chunk: Buffer.from(lines.join('')) }
}
