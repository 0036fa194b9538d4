import type { Server as HttpServer } from 'node:http'
import { Server as NetServer } from 'node:net'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { startOperationsServer, watchDurability } from '@lettergate/core/lib'
import { type AppOptions, buildApp } from './app.ts'
import { type ApiOptions, createDeps } from './create-deps.ts'

export type ApiServer = {
  url: string
  /** Where its figures are; null: nowhere. */
  metricsUrl: string | null
  /** Finishes requests in progress, then stops; takes a second when idle and ten at most. */
  stop(): Promise<void>
}

/** Connections that the kernel holds until they are taken: its own limit (net.core.somaxconn); Node asks for 511. */
const BACKLOG = 4_096
/** How long new requests are still taken after readiness has failed, so that balancers turn away. */
const DRAIN_MS = 1_000
/** Requests that take longer are cut off. */
const STOP_MS_MAX = 7_000
/** For requests that arrive while we stop listening: each gets an answer that ends its connection. */
const FRESH_MS = 500

/**
 * Accepts no new connections, and keeps the existing ones: Node's own close would end fresh ones before their first
 * request. The kernel resets connections that it holds and we have not taken yet, so this happens right after the event
 * loop has taken all of them, and before answers begin to end connections, which makes clients open new ones.
 */
async function stopListening(server: HttpServer): Promise<{ closed: Promise<void> }> {
  await setImmediate()
  const closed = new Promise<void>((resolve) => {
    NetServer.prototype.close.call(server, () => resolve())
  })
  return { closed }
}

async function closeConnections(server: HttpServer, closed: Promise<void>): Promise<void> {
  await sleep(FRESH_MS)
  // Again and again: sockets whose answer is still to come become idle later.
  const sweep = setInterval(() => server.closeIdleConnections(), 20)
  const deadline = setTimeout(() => server.closeAllConnections(), STOP_MS_MAX)
  await closed
  clearInterval(sweep)
  clearTimeout(deadline)
}

export type ServerOptions = ApiOptions &
  AppOptions & {
    host: string
    /** 0 takes any free one. */
    port: number
    /** For `/metrics`; left out: nowhere. 0 takes any free one. */
    metricsPort?: number | undefined
    drainMs?: number
  }

/** Fastify closes the server that we have closed already. */
function ignoreClosed(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_SERVER_NOT_RUNNING')) throw error
}

function urlOf(server: HttpServer): string {
  const place = server.address()
  if (place === null || typeof place === 'string') throw new Error('the server has no port')
  return `http://${place.family === 'IPv6' ? `[${place.address}]` : place.address}:${place.port}`
}

/** Starts an api that listens. */
export async function startServer(options: ServerOptions): Promise<ApiServer> {
  const deps = createDeps(options)
  const app = await buildApp(deps, options)
  await deps.clock.start()
  await watchDurability({
    db: deps.db,
    onIssues(issues) {
      for (const issue of issues) deps.logger.warn(issue)
      options.onUndurable?.(issues)
    },
    onError: (error) => deps.logger.warn({ err: error }, 'the settings of the database could not be read'),
  })
  let url: string
  let figures: HttpServer | null = null
  try {
    if (options.metricsPort !== undefined) {
      figures = await startOperationsServer(
        { registry: deps.metrics.registry },
        { host: options.host, port: options.metricsPort },
      )
    }
    url = await app.listen({ host: options.host, port: options.port, backlog: BACKLOG })
  } catch (error) {
    figures?.close()
    await app.close()
    await deps.close()
    throw error
  }
  deps.logger.info({ url }, 'listening')
  let stopping: Promise<void> | null = null
  async function stop(): Promise<void> {
    deps.stopping.isDraining = true
    deps.waits.release()
    deps.feed.release()
    deps.checker.stop()
    void deps.registrar.stop()
    await sleep(options.drainMs ?? DRAIN_MS)
    const { closed } = await stopListening(app.server)
    deps.stopping.isClosing = true
    await closeConnections(app.server, closed)
    await app.close().catch(ignoreClosed)
    figures?.closeAllConnections()
    figures?.close()
    await deps.close()
  }
  return {
    url,
    metricsUrl: figures && urlOf(figures),
    stop() {
      stopping ??= stop()
      return stopping
    },
  }
}
