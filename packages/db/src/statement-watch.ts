import { setImmediate, setTimeout as startTimer } from 'node:timers'
import pg from 'pg'

/** No answer came for a statement: whether it was done is not known, and its connection is of no use any more. */
export class SilentDatabase extends Error {
  constructor(ms: number) {
    super(`the database left a statement without an answer for ${Math.round(ms)} ms`)
  }
}

export type StatementWatch = {
  /** Age of the statement that waits longest for its answer, in milliseconds; 0 when none waits. */
  oldestMs(): number
  /** Ends the connection immediately, without a closing message. */
  drop(error: Error): void
  /** Sets the deadline of the following statements, until the answer. */
  allow(ms: number): () => void
}

export type WatchOptions = {
  /** From the moment at which a statement is sent to its whole answer. */
  deadlineMs: number
  /** A connection was ended because it had left a statement without an answer. */
  onSilent?: () => void
  /** Postgres ended a statement for its length. */
  onCancelled?: () => void
}

/** An answer that keeps arriving may take this many deadlines. */
const FLOWING_MAX = 5
/** If this thread was busy this long beyond a deadline, the answer may be waiting unread, and gets as long again. */
const BUSY_MS = 250
/** How long a closing connection waits for the other side. */
const GOODBYE_MS = 1_000
const QUERY_CANCELLED = '57014'

function bytesRead(stream: object): number {
  return 'bytesRead' in stream && typeof stream.bytesRead === 'number' ? stream.bytesRead : 0
}

/**
 * Gives every statement of a connection a deadline that we keep ourselves. `statement_timeout` is kept by the server: where its
 * answers no longer arrive (a vanished host, a firewall that forgot the connection, a frozen process), it bounds nothing.
 * Watched where statements enter the wire, it covers pools, transactions, pipelines, COPY and LISTEN alike.
 */
export function watchStatements(connection: pg.Connection, options: WatchOptions): StatementWatch {
  /** When each statement was sent that has no answer yet, in order. */
  const sentAt: number[] = []
  let { deadlineMs } = options
  let timer: NodeJS.Timeout | null = null
  let dueAt = 0
  /** Read when the oldest statement began to wait, or when its answer was last seen to be arriving. */
  let heardBytes = 0

  const oldestMs = () => (sentAt[0] === undefined ? 0 : performance.now() - sentAt[0])

  function arm(ms: number): void {
    if (timer) clearTimeout(timer)
    dueAt = performance.now() + ms
    // Data that arrived while this thread was busy is read before the verdict.
    timer = startTimer(() => setImmediate(judge), ms).unref()
  }

  function judge(): void {
    timer = null
    const ms = oldestMs()
    if (sentAt.length === 0) return
    const isFlowing = bytesRead(connection.stream) !== heardBytes
    const wasBusy = performance.now() - dueAt > BUSY_MS
    if (ms < deadlineMs) arm(deadlineMs - ms)
    else if (isFlowing && ms < FLOWING_MAX * deadlineMs) {
      heardBytes = bytesRead(connection.stream)
      arm(deadlineMs)
    } else if (wasBusy && ms < FLOWING_MAX * deadlineMs) arm(BUSY_MS)
    else {
      drop(new SilentDatabase(ms))
      options.onSilent?.()
    }
  }

  function drop(error: Error): void {
    sentAt.length = 0
    connection.stream.destroy(error)
  }

  function note(): void {
    if (sentAt.length === 0) heardBytes = bytesRead(connection.stream)
    sentAt.push(performance.now())
    if (!timer) arm(deadlineMs)
  }

  // Every statement ends with one of these two, and Postgres says once for each that it is ready for the next.
  const query = connection.query.bind(connection)
  const sync = connection.sync.bind(connection)
  const end = connection.end.bind(connection)
  connection.query = (text) => {
    note()
    query(text)
  }
  connection.sync = () => {
    note()
    sync()
  }
  connection.end = () => {
    const late = startTimer(() => connection.stream.destroy(), GOODBYE_MS).unref()
    connection.once('end', () => clearTimeout(late))
    end()
  }
  connection.on('readyForQuery', () => {
    sentAt.shift()
    heardBytes = bytesRead(connection.stream)
  })
  connection.on('errorMessage', (message: { code?: string }) => {
    if (message.code === QUERY_CANCELLED) options.onCancelled?.()
  })
  connection.once('end', () => {
    sentAt.length = 0
    if (timer) clearTimeout(timer)
  })

  return {
    oldestMs,
    drop,
    allow(ms) {
      const before = deadlineMs
      const change = (to: number) => {
        deadlineMs = to
        if (timer) arm(to)
      }
      change(ms)
      return () => change(before)
    },
  }
}

/** A client of `pg` all of whose statements have a deadline. */
export class WatchedClient extends pg.Client {
  readonly watch: StatementWatch

  constructor(config: pg.ClientConfig, options: WatchOptions) {
    super(config)
    this.watch = watchStatements(this.connection, options)
  }
}
