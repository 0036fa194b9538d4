import pg from 'pg'
import { type ConnectGate, createConnectGate } from './connect-gate.ts'
import { usePlainJoins } from './plain-joins.ts'
import { SilentDatabase, WatchedClient, type WatchOptions } from './statement-watch.ts'
import { ASKING_WORKER, WORKER_LOCK_CLASS, workerOptions } from './worker-sign.ts'

/** Runs queries: a pool, or a client inside a transaction. */
export type Queryable = {
  query<R extends pg.QueryResultRow>(config: pg.QueryConfig): Promise<pg.QueryResult<R>>
}

export type Pool = pg.Pool & {
  /** Age of the statement that waits longest for its answer on any connection, in milliseconds; 0 when none waits. */
  oldestStatementMs(): number
  /** Ends all idle connections, for a caller that expects them not to answer. */
  dropIdle(): void
}
export type PoolClient = pg.PoolClient

export type PoolOptions = {
  url: string
  /** Connections at most. */
  max: number
  /** Shown in pg_stat_activity. */
  applicationName: string
  /** A connection that fails while idle; the pool replaces it automatically. */
  onError(error: Error): void
  /** Statement time-out of Postgres: a longer statement is cancelled. */
  statementTimeoutMs?: number
  /** Our own deadline: without an answer by then, the connection is ended. Later than Postgres' time-out, which gives a definite result. */
  deadlineMs?: number
  /** A new connection that is not ready by then is given up. */
  connectMs?: number
  /** Longest wait for a connection. */
  waitMs?: number
  lockTimeoutMs?: number
  /** Postgres ends a transaction whose next statement does not come, and with it the locks that it holds. */
  idleInTransactionMs?: number
  /** A statement was late: left without an answer, or cancelled by Postgres. */
  onLate?: (kind: LateStatement) => void
  /** Role of the connections. Absent: the login's own, the operator's. */
  role?: DatabaseRole
  /** Of a worker: while one of its sessions is open, others see by its lock that it is alive. */
  workerId?: number
  /** Statements are sent without waiting for the answers of those before. */
  pipeline?: boolean
}

/**
 * Rights of a connection (the baseline migration). `lettergate_tenant` sees the rows of the tenant that is set, otherwise none; only
 * `createTenants` uses it. `lettergate_batch` is for the statements that serve many tenants in one
 * round trip. `lettergate_operator` manages tenants, plans and keys for the operator's API, and reads no content and no credentials.
 */
export type DatabaseRole = 'lettergate_tenant' | 'lettergate_batch' | 'lettergate_operator'

export type LateStatement = 'silent' | 'cancelled'

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
 * it completely forever: measured, 35 ms instead of 2 for a batch. Every query here has its index, so reading a whole table is
 * never right. By default, Postgres also plans statements on partitioned tables again each time, because its own
 * pruning makes the kept plan look expensive: measured, recording one outcome 1,380 µs of Postgres' processor instead of 635.
 * A table without an index is read whole at a price that makes Postgres compile the whole statement: measured, 3.5 s for 0.1 ms of work.
 */
const SESSION_OPTIONS = '-c enable_seqscan=off -c plan_cache_mode=force_generic_plan -c jit=off'

/** Longer than a statement may take that is known to be done by then. */
const DEADLINE_AFTER_TIMEOUT_MS = 1_000
/** Concurrent new connections that probe whether the database answers; the other places stay free. */
const CONNECT_AT_ONCE = 3
/** Interval between new connections while none is answered. */
const CONNECT_SPACING_MS = 400
/** A host that has vanished is noticed on an idle connection, too: Node asks ten times, a second apart, after this. */
const KEEP_ALIVE_MS = 5_000

type Connected = (error: Error | null, client?: GatedClient) => void

/** A client that begins its handshake when the gate of its pool lets it. */
class GatedClient extends WatchedClient {
  readonly #gate: ConnectGate

  constructor(config: pg.ClientConfig, watch: WatchOptions, gate: ConnectGate) {
    super(config, watch)
    usePlainJoins(this.connection)
    this.#gate = gate
  }

  override connect(): Promise<this>
  override connect(callback: Connected): void
  override connect(callback?: Connected): Promise<this> | undefined {
    const connected = this.#connect()
    if (!callback) return connected
    connected.then(() => callback(null, this), callback)
    return undefined
  }

  async #connect(): Promise<this> {
    const { stream } = this.connection
    const ended = await this.#gate.pass(() => stream.destroy(new Error('a later connection was ready first')))
    try {
      // The pool gives up a client by ending its connection, even one that has not begun.
      if (stream.destroyed) throw new Error('no connection was ready in time')
      await super.connect()
      ended(true)
      return this
    } catch (error) {
      ended(false)
      throw error
    }
  }
}

/** A pool of connections on which waiting is bounded: for a connection, for a lock, for a statement and for an answer. */
export function createPool(options: PoolOptions): Pool {
  const { statementTimeoutMs = 5_000, waitMs = 5_000, connectMs = waitMs, onLate } = options
  const clients = new Set<WatchedClient>()
  const idle = new Set<pg.Client>()
  const dropIdle = () => {
    for (const client of clients) if (idle.has(client)) client.watch.drop(new Error('it may be silent, too'))
  }
  const watch: WatchOptions = {
    deadlineMs: options.deadlineMs ?? statementTimeoutMs + DEADLINE_AFTER_TIMEOUT_MS,
    onSilent() {
      onLate?.('silent')
      // The cause of one silent connection most likely affects the others, and each would cost another query its deadline.
      dropIdle()
    },
    onCancelled: () => onLate?.('cancelled'),
  }
  const gate = createConnectGate({
    atOnce: CONNECT_AT_ONCE,
    spacingMs: CONNECT_SPACING_MS,
    waitMs: connectMs,
  })
  class PoolClient extends GatedClient {
    constructor(config: pg.ClientConfig = {}) {
      super({ ...config, connectionTimeoutMillis: connectMs }, watch, gate)
      // The pool listens to idle clients only, and to a new one a little late: a connection lost then would end the process.
      this.on('error', options.onError)
      clients.add(this)
      this.once('end', () => clients.delete(this))
    }
  }
  const pool = new pg.Pool({
    Client: PoolClient,
    connectionString: options.url,
    max: options.max,
    application_name: options.applicationName,
    options: sessionOptions(options),
    pipeline: options.pipeline ?? false,
    onConnect: (client) => prepareSession(client, options),
    connectionTimeoutMillis: waitMs,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs ?? 2_000,
    idle_in_transaction_session_timeout: options.idleInTransactionMs ?? 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    types,
  })
  pool.on('error', options.onError)
  pool.on('release', (_error, client) => idle.add(client))
  pool.on('acquire', (client) => idle.delete(client))
  pool.on('remove', (client) => idle.delete(client))
  return Object.assign(pool, {
    dropIdle,
    oldestStatementMs: () => Math.max(0, ...[...clients].map((client) => client.watch.oldestMs())),
  })
}

function sessionOptions({ role, workerId }: PoolOptions): string {
  return [
    SESSION_OPTIONS,
    ...(role === undefined ? [] : [`-c role=${role}`]),
    ...(workerId === undefined ? [] : [workerOptions(workerId)]),
  ].join(' ')
}

/**
 * Takes the shared lock of its worker, which never waits. Refuses a session whose pooler dropped the start-up options: it would have all
 * rights of its login.
 */
async function prepareSession(client: pg.ClientBase, { role, workerId }: PoolOptions): Promise<void> {
  if (role === undefined && workerId === undefined) return
  const lock =
    workerId === undefined ? 'null' : `pg_advisory_lock_shared(${WORKER_LOCK_CLASS}, ${ASKING_WORKER})`
  const { rows } = await client.query<{ role: string }>({ text: `select current_user as role, ${lock}` })
  if (role !== undefined && rows[0]?.role !== role)
    throw new Error(`the session is ${rows[0]?.role} instead of ${role}`)
}

/** Gives the statements of a client of our pools another deadline; any other client keeps what it has. */
function allowDeadline(client: PoolClient, ms: number | undefined): () => void {
  return ms !== undefined && client instanceof WatchedClient ? client.watch.allow(ms) : () => undefined
}

/**
 * Runs `work` in one transaction; on any error it is rolled back and the connection is not reused if that fails too.
 * `deadlineMs`: for statements that are known to take long, as migrations do.
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  { begin = 'begin', deadlineMs }: { begin?: string; deadlineMs?: number } = {},
): Promise<T> {
  const client = await pool.connect()
  const endAllowance = allowDeadline(client, deadlineMs)
  let broken: Error | undefined
  try {
    await client.query(begin)
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    if (error instanceof SilentDatabase) broken = error
    else {
      await client.query('rollback').catch((cause: Error) => {
        broken = cause
      })
    }
    throw error
  } finally {
    endAllowance()
    client.release(broken)
  }
}
