import { findDurabilityIssues } from '@lettergate/core/lib'
import { rootVersionOf } from '@lettergate/core/secrets'
import { readMigrations } from '@lettergate/db/migrate'
import { producerOptions } from '@lettergate/queue/backend'
import { openRedis } from '@lettergate/queue/redis'
import type { CommandDeps } from '../commands/with-database.ts'

export type Finding = { state: 'ok' | 'warning' | 'failed'; detail: string }
export type Check = { name: string; run(deps: CommandDeps): Promise<Finding> }

const ok = (detail: string): Finding => ({ state: 'ok', detail })
const warning = (detail: string): Finding => ({ state: 'warning', detail })
const failed = (detail: string): Finding => ({ state: 'failed', detail })

/** Partitions are made a week ahead; fewer days mean that no worker has done it for some time. */
const DAYS_AHEAD_MIN = 3
const CLOCK_MS_MAX = 2_000
const LOCK_SECONDS_MAX = 5
const TRANSACTION_SECONDS_MAX = 300
const BACKLOG_SECONDS_MAX = 60

async function one<R extends object>(
  { pool }: CommandDeps,
  text: string,
  values: unknown[] = [],
): Promise<R> {
  const { rows } = await pool.query<R>({ text, values })
  const [row] = rows
  if (!row) throw new Error('the database answered nothing')
  return row
}

const database: Check = {
  name: 'database',
  async run(deps) {
    const { version } = await one<{ version: string }>(
      deps,
      `select current_setting('server_version') as version`,
    )
    return ok(`Postgres ${version} answers.`)
  },
}

const migrations: Check = {
  name: 'migrations',
  async run(deps) {
    const { rows } = await deps.pool.query<{ name: string }>(
      'select migration_name as name from _prisma_migrations where finished_at is not null and rolled_back_at is null',
    )
    const applied = new Set(rows.map(({ name }) => name))
    const missing = (await readMigrations()).filter(({ name }) => !applied.has(name))
    if (missing.length === 0) return ok(`All ${applied.size} are applied.`)
    return failed(`${missing.length} are missing, the first is ${missing[0]?.name}. Run "npm run migrate".`)
  },
}

const durability: Check = {
  name: 'durability',
  async run({ pool }) {
    const issues = await findDurabilityIssues(pool)
    return issues.length === 0 ? ok('Confirmed commits survive a crash.') : failed(issues.join(' '))
  },
}

const redis: Check = {
  name: 'redis',
  async run({ config }) {
    if (config.redisUrl === undefined)
      return ok('Not used: REDIS_URL is not set, and the queue is in Postgres.')
    const link = await openRedis(producerOptions(config.redisUrl), () => undefined)
    try {
      if (link.isOpen()) return ok('Redis answers, and evicts no keys.')
      return failed(
        'Redis does not answer. Mail is accepted, and is sent when Redis is back. Check REDIS_URL.',
      )
    } finally {
      link.redis.disconnect()
    }
  },
}

const secret: Check = {
  name: 'secret',
  async run(deps) {
    const known = [deps.root, ...(deps.previousRoot ? [deps.previousRoot] : [])].map(rootVersionOf)
    const { all, foreign } = await one<{ all: number; foreign: number }>(
      deps,
      'select count(*)::int4 as all, (count(*) filter (where root_version <> all ($1::int4[])))::int4 as foreign from data_key',
      [known],
    )
    if (foreign > 0)
      return failed(
        `${foreign} of ${all} data keys are encrypted with another secret, so credentials cannot be read. Set the LETTERGATE_SECRET that encrypted them.`,
      )
    return deps.previousRoot
      ? warning('LETTERGATE_SECRET_PREVIOUS is set. Run "lettergate key rotate-root", then remove it.')
      : ok(`All data keys (${all}) belong to LETTERGATE_SECRET.`)
  },
}

const partitions: Check = {
  name: 'partitions',
  async run(deps) {
    const { days } = await one<{ days: number | null }>(
      deps,
      `select min(ahead)::int4 as days from (
         select t.name, max(to_date(right(c.relname, 8), 'YYYYMMDD') - (now() at time zone 'utc')::date) as ahead
         from partitioned_tables() t(name)
         join pg_inherits i on i.inhparent = t.name::regclass join pg_class c on c.oid = i.inhrelid
         where c.relname ~ '_[0-9]{8}$' group by t.name) d`,
    )
    if (days !== null && days >= DAYS_AHEAD_MIN) return ok(`Tables are ready for ${days} days.`)
    return failed('Tables for the next days are missing. Start a worker: it makes them every hour.')
  },
}

const locks: Check = {
  name: 'locks',
  async run(deps) {
    const { waiting, oldest } = await one<{ waiting: number; oldest: number }>(
      deps,
      `select (count(*) filter (where wait_event_type = 'Lock' and now() - query_start > $1 * interval '1 second'))::int4 as waiting,
              coalesce(floor(extract(epoch from max(now() - xact_start))), 0)::int4 as oldest
       from pg_stat_activity where datname = current_database() and backend_type = 'client backend'`,
      [LOCK_SECONDS_MAX],
    )
    if (waiting > 0)
      return warning(`${waiting} statements wait for a lock for more than ${LOCK_SECONDS_MAX} seconds.`)
    if (oldest > TRANSACTION_SECONDS_MAX)
      return warning(
        `A transaction is open for ${oldest} seconds. It keeps Postgres from cleaning up; end it.`,
      )
    return ok('No statement waits long for a lock.')
  },
}

const clock: Check = {
  name: 'clock',
  async run(deps) {
    const before = Date.now()
    const { at } = await one<{ at: Date }>(deps, 'select clock_timestamp() as at')
    const ms = Math.round(at.getTime() - (before + Date.now()) / 2)
    const text = `The clock of this machine and that of the database differ by ${Math.abs(ms)} ms.`
    return Math.abs(ms) > CLOCK_MS_MAX ? warning(`${text} Set both by NTP.`) : ok(text)
  },
}

const workers: Check = {
  name: 'workers',
  async run(deps) {
    const { n } = await one<{ n: number }>(
      deps,
      `select count(distinct client_addr)::int4 + count(*) filter (where client_addr is null)::int4 as n from pg_stat_activity
       where datname = current_database() and application_name = 'lettergate-worker'`,
    )
    return n > 0
      ? ok('Workers are connected.')
      : warning('No worker is connected, so no mail is sent. Start one.')
  },
}

const backlog: Check = {
  name: 'backlog',
  async run(deps) {
    const { ready, oldest } = await one<{ ready: number; oldest: number }>(
      deps,
      `select count(*)::int4 as ready, greatest(0, coalesce(floor(extract(epoch from now() - min(due_at))), 0))::int4 as oldest
       from (select due_at from outbox where phase = 'ready' limit 100000) o`,
    )
    const text = `${ready} messages are due, the oldest for ${oldest} seconds.`
    return oldest > BACKLOG_SECONDS_MAX
      ? warning(`${text} Start more workers, or see "tenant list".`)
      : ok(text)
  },
}

/** In the order in which one explains the next. */
export const CHECKS: readonly Check[] = [
  database,
  migrations,
  durability,
  redis,
  secret,
  partitions,
  locks,
  clock,
  workers,
  backlog,
]

/** A check that breaks has failed, and the others go on. */
export async function runCheck(check: Check, deps: CommandDeps): Promise<Finding> {
  try {
    return await check.run(deps)
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error))
  }
}
