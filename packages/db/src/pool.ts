import pg from 'pg'

/** What a query needs: satisfied by a pool, and by a client inside a transaction. */
export type Queryable = {
  query<R extends pg.QueryResultRow>(config: pg.QueryConfig): Promise<pg.QueryResult<R>>
}

export type Pool = pg.Pool
export type PoolClient = pg.PoolClient

export type PoolOptions = {
  url: string
  /** Connections at most. */
  max: number
  /** Shown in pg_stat_activity. */
  applicationName: string
  /** A connection that fails while idle; the pool replaces it by itself. */
  onError(error: Error): void
  statementTimeoutMs?: number
  /** Whose rights the connections have. Absent: the login's own, which are the operator's. */
  role?: DatabaseRole
  /** Statements are sent without waiting for the answers of those before. */
  pipeline?: boolean
}

/**
 * What a process may do once it is connected (migration 0003). `lettergate_tenant` sees rows of the tenant that is set, and
 * otherwise none: reached by `createTenants` alone. `lettergate_batch` is for the statements that serve many tenants in one
 * round trip.
 */
export type DatabaseRole = 'lettergate_tenant' | 'lettergate_batch'

const INT8 = 20
const DATE = 1082

/** Sequence numbers and counts stay far below 2^53; a date must not become midnight of the node's time zone. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (format !== 'binary' && oid === INT8) return Number
    if (format !== 'binary' && oid === DATE) return (text: string) => text
    return pg.types.getTypeParser(oid, format)
  },
}

/**
 * Plans are made once and kept, and must not depend on when that was. One made while the day's partition was still empty would read
 * it whole for ever after: measured, 35 ms instead of 2 for a batch. Every query here has its index, so reading a table whole is
 * never right. Left to itself, Postgres also plans statements on partitioned tables anew each time, for its own pruning
 * makes the kept plan look dear: measured, recording one outcome 1,380 µs of Postgres' processor instead of 635.
 */
const SESSION_OPTIONS = '-c enable_seqscan=off -c plan_cache_mode=force_generic_plan'

/** A pool of connections on which waiting is bounded: for a connection, for a lock and for a statement. */
export function createPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max,
    application_name: options.applicationName,
    options: options.role === undefined ? SESSION_OPTIONS : `${SESSION_OPTIONS} -c role=${options.role}`,
    pipeline: options.pipeline ?? false,
    onConnect: (client) => assertRole(client, options.role),
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: options.statementTimeoutMs ?? 5_000,
    lock_timeout: 2_000,
    idle_in_transaction_session_timeout: 10_000,
    keepAlive: true,
    types,
  })
  pool.on('error', options.onError)
  // A client that is checked out has no listener of the pool's: without one of its own, a lost connection ends the process.
  pool.on('connect', (client) => client.on('error', options.onError))
  return pool
}

/** A pooler that drops the start-up options would leave the session with all rights of its login: better no connection. */
async function assertRole(client: pg.ClientBase, role: DatabaseRole | undefined): Promise<void> {
  if (role === undefined) return
  const { rows } = await client.query<{ role: string }>({ text: 'select current_user as role' })
  if (rows[0]?.role !== role) throw new Error(`the session is ${rows[0]?.role} instead of ${role}`)
}

/** Runs `work` in one transaction; on any error it is rolled back and the connection is not reused if that fails too. */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  begin = 'begin',
): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query(begin)
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch((cause: Error) => {
      broken = cause
    })
    throw error
  } finally {
    client.release(broken)
  }
}
