import pg from 'pg'

export type Listener = {
  /** Calls `handler` for each notification on the channel; the answer stops it. */
  on(channel: string, handler: (payload: string) => void): Promise<() => void>
  close(): Promise<void>
}

const RECONNECT_MS = 1_000

/**
 * One connection that LISTENs. Notifications are hints: whoever uses them must also look by itself now and then,
 * since those sent while the connection is down are lost. Handlers are called once with '' after a reconnect.
 */
export function createListener(options: { url: string; onError(error: Error): void }): Listener {
  const handlers = new Map<string, Set<(payload: string) => void>>()
  let client: pg.Client | null = null
  let connecting: Promise<void> | null = null
  let retry: NodeJS.Timeout | null = null
  let closed = false

  async function open(): Promise<void> {
    const next = new pg.Client({
      connectionString: options.url,
      application_name: 'lettergate-listen',
      keepAlive: true,
    })
    next.on('error', (error) => lost(next, error))
    next.on('end', () => lost(next, new Error('the listening connection ended')))
    next.on('notification', ({ channel, payload }) => {
      for (const handler of handlers.get(channel) ?? []) handler(payload ?? '')
    })
    await next.connect()
    if (closed) return next.end()
    client = next
    for (const channel of handlers.keys()) await next.query(`listen ${channel}`)
  }

  function lost(which: pg.Client, error: Error): void {
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

  return {
    async on(channel, handler) {
      const set = handlers.get(channel) ?? new Set()
      const isFirst = set.size === 0
      set.add(handler)
      handlers.set(channel, set)
      try {
        await connect()
        if (isFirst && client) await client.query(`listen ${channel}`)
      } catch (error) {
        options.onError(error instanceof Error ? error : new Error(String(error)))
        schedule()
      }
      return () => {
        set.delete(handler)
        if (set.size > 0) return
        handlers.delete(channel)
        client?.query(`unlisten ${channel}`).catch(options.onError)
      }
    },
    async close() {
      closed = true
      if (retry) clearTimeout(retry)
      await connecting?.catch(() => {})
      await client?.end().catch(() => {})
    },
  }
}
