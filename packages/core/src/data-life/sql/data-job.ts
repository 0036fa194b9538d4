import type { Queryable } from '@lettergate/db/pool'

export type JobKind = 'export' | 'erasure' | 'deletion'

export type TakenDataJob = {
  id: string
  tenantId: string | null
  kind: JobKind
  options: unknown
  subject: string | null
  address: string | null
  reason: string | null
  place: unknown
  chunks: number
  bytes: number
  failures: number
}

const COLUMNS = `id, tenant_id as "tenantId", kind, options, subject, address, reason, place, chunks, bytes, failures`

/**
 * Locks the job whose turn it is, until the transaction ends; null: none is due. The lock is the lease: it ends with the worker, and so does
 * all that the worker did of the turn. `only`: this job, whenever its turn is.
 */
export async function takeDataJob(db: Queryable, only?: string): Promise<TakenDataJob | null> {
  const { rows } = await db.query<TakenDataJob>({
    name: 'take-data-job',
    text: `
      select ${COLUMNS} from data_job
      where state in ('waiting', 'running') and turn_at <= now() and ($1::uuid is null or id = $1)
      order by turn_at limit 1
      for update skip locked`,
    values: [only ?? null],
  })
  return rows[0] ?? null
}

/** What a turn adds to its job. */
export type DataTurn = {
  isLast: boolean
  place: object
  /** Rows by table, added to those before. */
  counts?: Record<string, number>
  chunk?: Buffer
  /** The next turn is not before this. */
  waitMs?: number
  /** Ends the job without success. */
  error?: string
}

/** Records a turn. The address of an erasure is forgotten with its last one. */
export async function finishDataTurn(db: Queryable, job: TakenDataJob, turn: DataTurn): Promise<void> {
  if (turn.chunk)
    await db.query({
      name: 'write-data-chunk',
      text: 'insert into data_chunk (tenant_id, job_id, chunk, content) values ($1, $2, $3, $4)',
      values: [job.tenantId, job.id, job.chunks, turn.chunk],
    })
  await db.query({
    name: 'finish-data-turn',
    text: `
      update data_job
      set state = case when $8::text is not null then 'failed' when $1 then 'done' else 'running' end,
          finished_at = case when $1 or $8::text is not null then now() end,
          place = $2, chunks = chunks + $4, bytes = bytes + $5, failures = 0, error = $8,
          counts = counts || coalesce((
            select jsonb_object_agg(key, coalesce((counts ->> key)::int8, 0) + value::int8) from jsonb_each_text($3::jsonb)), '{}'),
          address = case when $1 then null else address end,
          reason = case when $1 and address is not null then regexp_replace(reason, address_pattern(address), '(the address)', 'gi')
                        else reason end,
          turn_at = clock_timestamp() + $6::int4 * interval '1 ms'
      where id = $7`,
    values: [
      turn.isLast,
      JSON.stringify(turn.place),
      JSON.stringify(turn.counts ?? {}),
      turn.chunk ? 1 : 0,
      turn.chunk?.length ?? 0,
      turn.waitMs ?? 0,
      job.id,
      turn.error ?? null,
    ],
  })
}

/** A job whose turn failed waits, twice as long each time. An export is given up after some failures; erasures and deletions never are. */
export async function failDataTurn(db: Queryable, job: TakenDataJob, failuresMax: number): Promise<void> {
  await db.query({
    name: 'fail-data-turn',
    text: `
      update data_job
      set failures = least(failures + 1, 1000), turn_at = now() + least(power(2, least(failures, 10)), 300) * interval '1 second',
          state = case when kind = 'export' and failures + 1 >= $2 then 'failed' else state end,
          finished_at = case when kind = 'export' and failures + 1 >= $2 then now() end,
          error = case when kind = 'export' and failures + 1 >= $2 then 'an error of the gateway, which its log names' end
      where id = $1 and state in ('waiting', 'running')`,
    values: [job.id, failuresMax],
  })
}

/** Deletes exports a week after they ended, with their files, and receipts of erasures and deletions after three years. */
export async function expireDataJobs(db: Queryable, limit: number): Promise<number> {
  const { rowCount } = await db.query({
    name: 'expire-data-jobs',
    text: `
      delete from data_job where ctid = any(array(
        select ctid from data_job
        where finished_at < now() - case kind when 'export' then interval '7 days' else interval '3 years' end
        limit $1 for update skip locked))`,
    values: [limit],
  })
  return rowCount ?? 0
}

/** One piece of the file of an export; null: there is none of this number. */
export async function readDataChunk(
  db: Queryable,
  { id, chunk }: { id: string; chunk: number },
): Promise<Buffer | null> {
  const { rows } = await db.query<{ content: Buffer }>({
    name: 'read-data-chunk',
    text: 'select content from data_chunk where job_id = $1 and chunk = $2',
    values: [id, chunk],
  })
  return rows[0]?.content ?? null
}

export type NewDataJob = {
  id: string
  tenantId: string | null
  kind: JobKind
  options?: object
  subject?: string
  address?: string
  addressHash?: string
  reason?: string | undefined
}

/** Makes a job, with the rights of the caller: row security refuses what a tenant may not ask for. */
export async function insertDataJob(db: Queryable, job: NewDataJob): Promise<void> {
  await db.query({
    name: 'insert-data-job',
    text: `
      insert into data_job (id, tenant_id, kind, options, subject, address, address_hash, reason) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      job.id,
      job.tenantId,
      job.kind,
      JSON.stringify(job.options ?? {}),
      job.subject ?? null,
      job.address ?? null,
      job.addressHash ?? null,
      job.reason ?? null,
    ],
  })
}

export type DataJobRow = {
  id: string
  tenant_id: string | null
  kind: JobKind
  state: 'waiting' | 'running' | 'done' | 'failed'
  subject: string | null
  address_hash: string | null
  reason: string | null
  counts: Record<string, number>
  chunks: number
  bytes: number
  error: string | null
  created_at: Date
  finished_at: Date | null
}

export async function readDataJob(db: Queryable, id: string): Promise<DataJobRow | null> {
  const { rows } = await db.query<DataJobRow>({
    name: 'read-data-job',
    text: `
      select id, tenant_id, kind, state, subject, address_hash, reason, counts, chunks, bytes, error, created_at, finished_at
      from data_job where id = $1`,
    values: [id],
  })
  return rows[0] ?? null
}

/** Jobs of a tenant that are not finished. */
export async function countOpenJobs(db: Queryable, tenantId: string, kind: JobKind): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'count-open-data-jobs',
    text: `select count(*)::int4 as n from data_job where tenant_id = $1 and kind = $2 and state in ('waiting', 'running')`,
    values: [tenantId, kind],
  })
  return rows[0]?.n ?? 0
}
