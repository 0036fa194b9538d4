import { createHash, randomUUID } from 'node:crypto'
import { fastify } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import pg from 'pg'
import { z } from 'zod'

/*
 * The ceiling that accept is measured against: Fastify, a Zod check and one batched insert per commit. It keeps no
 * recipients, idempotency, outbox or address rules, so it cannot be beaten by much; how close we get is the figure.
 */
const TENANT = '00000000-0000-4000-8000-000000000001'
const BATCH_MAX = 500
const IN_FLIGHT_MAX = 2

const SCHEMA_SQL = `
  create schema if not exists reference;
  drop table if exists reference.message, reference.quota;
  create table reference.message (
    id uuid primary key, tenant_id uuid not null, status text not null default 'queued',
    created_at timestamptz not null default now(), payload jsonb not null);
  create index on reference.message (tenant_id, created_at);
  create table reference.quota (tenant_id uuid, day date, used int not null, primary key (tenant_id, day));`

const INSERT_SQL = `
  with q as (insert into reference.quota values ($3, current_date, cardinality($1::uuid[]))
    on conflict (tenant_id, day) do update set used = reference.quota.used + excluded.used returning used)
  insert into reference.message (id, tenant_id, payload)
    select i, $3, p from unnest($1::uuid[], $2::jsonb[]) t(i, p), q`

const body = z.strictObject({
  from: z.email(),
  to: z.array(z.email()).min(1).max(50),
  subject: z.string().max(998),
  text: z.string().optional(),
  html: z.string().optional(),
  tags: z.array(z.string()).optional(),
})

type Waiting = { id: string; payload: string; resolve: () => void; reject: (error: unknown) => void }

function createInserter(pool: pg.Pool): (id: string, payload: string) => Promise<void> {
  const waiting: Waiting[] = []
  let inFlight = 0
  const insert = (batch: Waiting[]) =>
    pool.query({
      name: 'insert',
      text: INSERT_SQL,
      values: [batch.map(({ id }) => id), batch.map(({ payload }) => payload), TENANT],
    })
  const flush = async (): Promise<void> => {
    if (waiting.length === 0 || inFlight >= IN_FLIGHT_MAX) return
    const batch = waiting.splice(0, BATCH_MAX)
    inFlight++
    try {
      await insert(batch)
      for (const { resolve } of batch) resolve()
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    inFlight--
    await flush()
  }
  return (id, payload) =>
    new Promise((resolve, reject) => {
      waiting.push({ id, payload, resolve, reject })
      if (inFlight < IN_FLIGHT_MAX) queueMicrotask(() => void flush())
    })
}

async function serve(databaseUrl: string, port: number): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 8 })
  pool.on('error', () => undefined)
  await pool.query(SCHEMA_SQL)
  const insert = createInserter(pool)
  const keys = new Map([[createHash('sha256').update('key').digest('hex'), TENANT]])
  const app = fastify().withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  const response = { 202: z.object({ id: z.string(), status: z.string() }), 401: z.undefined() }
  app.post('/v1/send', { schema: { body, response } }, async (request, reply) => {
    const key = (request.headers.authorization ?? '').slice(7)
    if (!keys.has(createHash('sha256').update(key).digest('hex'))) return reply.code(401).send()
    const id = randomUUID()
    await insert(id, JSON.stringify(request.body))
    return reply.code(202).send({ id, status: 'queued' })
  })
  await app.listen({ host: '127.0.0.1', port })
}

await serve(process.argv[2] ?? '', Number(process.argv[3]))
