import { setTimeout as sleep } from 'node:timers/promises'
import { WatchedClient } from './statement-watch.ts'

export type Listener = {
  /**
   * Calls `handler` for each notification on the channel; the answer stops it. Resolves when the database listens, or after a
   * second without it: the handler is then called once it does.
   */
  on(channel: string, handler: (payload: string) => void): Promise<() => void>
  close(): Promise<void>
}

const RECONNECT_MS = 1_000
/** A long silence may mean no notifications or a dead connection: a query shows which. */
const HEARTBEAT_MS = 3_000
const DEADLINE_MS = 2_000
const CONNECT_MS = 2_000
/** Longest wait of a caller for LISTEN. */
const WAIT_MS_MAX = 1_000

/**
 * Keeps one connection that LISTENs. Notifications sent while it is down are lost, so their users must also poll. Handlers are called once
 * with '' after a reconnect.
 */
export function createListener(options: {
  url: string
  onError(error: Error): void
  /** How often an open connection is checked. */
  heartbeatMs?: number
  deadlineMs?: number
  /** A connection was ended because it had left a statement without an answer. */
  onSilent?: () => void
}): Listener {
  const { heartbeatMs = HEARTBEAT_MS, deadlineMs = DEADLINE_MS, onSilent } = options
  const handlers = new Map<string, Set<(payload: string) => void>>()
  let client: WatchedClient | null = null
  let connecting: Promise<void> | null = null
  let retry: NodeJS.Timeout | null = null
  let closed = false
  let unlistening: Promise<void> = Promise.resolve()
  let last: Promise<unknown> = Promise.resolve()

  /** One statement at a time: without a pipeline, pg's own queue of them is deprecated, and goes with pg 9. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work)
    last = done.catch(() => undefined)
    return done
  }

  async function open(): Promise<void> {
    const next = new WatchedClient(
      {
        connectionString: options.url,
        application_name: 'lettergate-listen',
        connectionTimeoutMillis: CONNECT_MS,
        keepAlive: true,
      },
      { deadlineMs, ...(onSilent && { onSilent }) },
    )
    next.on('error', (error) => lost(next, error))
    next.on('end', () => lost(next, new Error('the listening connection ended')))
    next.on('notification', ({ channel, payload }) => {
      for (const handler of handlers.get(channel) ?? []) handler(payload ?? '')
    })
    await next.connect()
    if (closed) return next.end()
    client = next
    for (const channel of handlers.keys()) await inTurn(() => next.query(`listen ${channel}`))
    beat(next)
  }

  /** Checks while the connection is ours; one that does not answer is ended, and reported, by its deadline. */
  function beat(which: WatchedClient): void {
    setTimeout(() => {
      if (client !== which || closed) return
      inTurn(() => which.query('select 1')).then(
        () => beat(which),
        () => undefined,
      )
    }, heartbeatMs).unref()
  }

  function lost(which: WatchedClient, error: Error): void {
    if (client !== which || closed) return
    client = null
    options.onError(error)
    schedule()
  }

  function schedule(): void {
    if (closed || retry || handlers.size === 0) return
    retry = setTimeout(() => {
      retry = null
      connect().then(
        () => {
          for (const set of handlers.values()) for (const handler of set) handler('')
        },
        (error: Error) => {
          options.onError(error)
          schedule()
        },
      )
    }, RECONNECT_MS)
    retry.unref()
  }

  function connect(): Promise<void> {
    if (client) return Promise.resolve()
    connecting ??= open().finally(() => {
      connecting = null
    })
    return connecting
  }

  async function listen(channel: string, isFirst: boolean): Promise<void> {
    try {
      await connect()
      if (isFirst) await inTurn(async () => client?.query(`listen ${channel}`))
    } catch (error) {
      options.onError(error instanceof Error ? error : new Error(String(error)))
      schedule()
    }
  }

  /** A connection that is gone listens to nothing. */
  function unlisten(channel: string): void {
    const which = client
    unlistening = inTurn(async () => {
      if (which && which === client && !closed && !handlers.has(channel))
        await which.query(`unlisten ${channel}`)
    }).catch(options.onError)
  }

  return {
    async on(channel, handler) {
      const set = handlers.get(channel) ?? new Set()
      const isFirst = set.size === 0
      set.add(handler)
      handlers.set(channel, set)
      await Promise.race([listen(channel, isFirst), sleep(WAIT_MS_MAX, undefined, { ref: false })])
      return () => {
        set.delete(handler)
        if (set.size > 0) return
        handlers.delete(channel)
        unlisten(channel)
      }
    },
    async close() {
      closed = true
      if (retry) clearTimeout(retry)
      await connecting?.catch(() => {})
      await unlistening
      await client?.end().catch(() => {})
    },
  }
}
