import { createServer, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId, toPublicId } from '@lettergate/contracts/lib/ids'
import { Redis } from 'ioredis'
import pg from 'pg'

/*
 * The negative control: a gateway as one writes it in an afternoon. Each of its faults is a common one, and the same
 * oracle that finds nothing in Lettergate has to find each of them here; otherwise a test proves nothing.
 */
export type NaiveOptions = {
  databaseUrl: string
  redisUrl: string
  providerUrl: string
  port: number
  limit: number
  /** The limit is a day's, and the day that of its own clock. */
  dayOfOwnClock?: boolean
  /** Where it dies by kill -9, once in every `dieOneIn` messages; never when absent. */
  dieAt?: 'after-commit' | 'after-ack'
  dieOneIn?: number
  /** The place of the backlog: its table, or a list in Redis. */
  backlog: 'table' | 'redis'
  /** Answers before the commit is on disk. */
  asyncCommit?: boolean
}

const PARALLEL = 16
const LIST = 'naive'
/** The way to a database on another machine: on this one, two requests may never meet between the count and the insert. */
const WAY_MS = 5

/** Creates its table; what is queued stays queued over restarts. */
export async function startNaiveGateway(options: NaiveOptions): Promise<Server> {
  // No 'error' listener: the first lost connection ends the process.
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    max: 40,
    options: options.asyncCommit ? '-c synchronous_commit=off' : '',
  })
  const redis = new Redis(options.redisUrl, { lazyConnect: options.backlog === 'table' })
  await pool.query(
    'create table if not exists naive (id text primary key, recipients int, status text, day text)',
  )
  const today = () => (options.dayOfOwnClock ? new Date().toISOString().slice(0, 10) : '')
  const die = (place: string) => {
    if (place === options.dieAt && Math.random() * (options.dieOneIn ?? 1) < 1)
      process.kill(process.pid, 'SIGKILL')
  }

  /** Counts, then inserts; enqueues after the commit; does not recognise repeated requests. */
  async function accept(recipients: number): Promise<string | undefined> {
    const { rows } = await pool.query<{ used: number }>(
      'select coalesce(sum(recipients), 0)::int as used from naive where day = $1',
      [today()],
    )
    if ((rows[0]?.used ?? 0) + recipients > options.limit) return undefined
    await sleep(WAY_MS)
    const id = toPublicId('msg', newId())
    await pool.query("insert into naive values ($1, $2, 'queued', $3)", [id, recipients, today()])
    die('after-commit')
    if (options.backlog === 'redis') await redis.lpush(LIST, id)
    return id
  }

  async function next(index: number): Promise<string | undefined> {
    if (options.backlog === 'redis') return (await redis.rpop(LIST)) ?? undefined
    const text =
      "select id from naive where status = 'queued' and abs(hashtext(id)) % $1 = $2 order by id limit 1"
    return (await pool.query<{ id: string }>(text, [PARALLEL, index])).rows[0]?.id
  }

  /** Sends first and writes it down afterwards. */
  async function work(index: number): Promise<void> {
    const id = await next(index)
    if (id !== undefined) {
      const body = JSON.stringify({ EmailTags: [{ Name: 'lg_id', Value: id }] })
      await fetch(`${options.providerUrl}/v2/email/outbound-emails`, { method: 'POST', body })
      die('after-ack')
      await pool.query("update naive set status = 'sent' where id = $1", [id])
    }
    setTimeout(() => void work(index), id === undefined ? 20 : 0)
  }

  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', async () => {
      const { to }: { to: string[] } = JSON.parse(text)
      const id = await accept(to.length)
      response.writeHead(id === undefined ? 429 : 202).end(JSON.stringify({ id }))
    })
  })
  server.listen(options.port, '127.0.0.1')
  for (let index = 0; index < PARALLEL; index++) void work(index)
  return server
}
