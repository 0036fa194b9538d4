import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { buildApp } from './app.ts'
import { type ApiOptions, createDeps } from './create-deps.ts'

export type ApiServer = {
  url: string
  /** Finishes what is under way, then stops; takes a second when idle and ten at most. */
  stop(): Promise<void>
}

/** How long new requests are still taken after readiness has failed, so that balancers and busy sockets turn away. */
const DRAIN_MS = 1_000
/** Whoever is not done by then is cut off. */
const STOP_MS_MAX = 8_000

async function closeApp(app: FastifyInstance): Promise<void> {
  // Sockets that finish their answer while we close do not close by themselves: Node looks only once.
  const sweep = setInterval(() => app.server.closeIdleConnections(), 50)
  const deadline = setTimeout(() => app.server.closeAllConnections(), STOP_MS_MAX)
  try {
    await app.close()
  } finally {
    clearInterval(sweep)
    clearTimeout(deadline)
  }
}

export type ServerOptions = ApiOptions & {
  host: string
  /** 0 takes any free one. */
  port: number
  drainMs?: number
  /** Fails every answer that is not what the reference says: for tests. */
  checkAnswers?: boolean
}

/** Starts an api that listens. */
export async function startServer(options: ServerOptions): Promise<ApiServer> {
  const deps = createDeps(options)
  const app = await buildApp(deps, { checkAnswers: options.checkAnswers === true })
  let url: string
  try {
    url = await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    await app.close()
    await deps.close()
    throw error
  }
  deps.logger.info({ url }, 'listening')
  let stopping: Promise<void> | null = null
  async function stop(): Promise<void> {
    deps.draining.isDraining = true
    deps.waits.release()
    await sleep(options.drainMs ?? DRAIN_MS)
    await closeApp(app)
    await deps.close()
  }
  return {
    url,
    stop() {
      stopping ??= stop()
      return stopping
    },
  }
}
