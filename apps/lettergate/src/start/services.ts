import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { childEnv } from '@lettergate/config/child-env'
import type { Env } from '@lettergate/config/config'
import { CliError } from '../cli-error.ts'
import { type OwnProcess, spawnOwn } from '../processes.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..', '..')
const GUARD = new URL('./child-guard.ts', import.meta.url).href
const COMPILE_CACHE = join(ROOT, 'node_modules', '.cache', 'node')
/**
 * As in package.json. The worker's objects live for a few milliseconds: a larger young generation sends a tenth more mail a second. The
 * api's is smaller than Node's own, which lets it peak at 307 to 313 MB under 7,500 sends, and this at 274 to 275, at the same processor time.
 */
const NODE_ARGS = { api: ['--max-semi-space-size=16'], smtp: [], worker: ['--max-semi-space-size=32'] }

export type ServiceName = keyof typeof NODE_ARGS
/**
 * As in package.json. glibc keeps freed memory for the thread that freed it: after 40,000 messages the worker held 233 MB, still
 * rising, and 196 with two arenas for all threads.
 */
const MALLOC_ARENA_MAX = '2'
const READY_TIMEOUT_MS = 30_000
const LAST_LINES = 12

export type ServiceOptions = {
  logDir: string
  env: Env
  /** Ended by this service if we are killed. */
  postgresPid?: number | undefined
}

/** Starts the api, the SMTP server or the worker as it would be started on a server. */
export async function startService(name: ServiceName, options: ServiceOptions): Promise<OwnProcess> {
  const service = await spawnOwn({
    name,
    file: process.execPath,
    args: [...NODE_ARGS[name], '--import', GUARD, join('apps', name, 'src', 'main.ts')],
    cwd: ROOT,
    // Compiled code is kept: a second start is faster, and the api idles 25 MB lower.
    env: childEnv({ NODE_COMPILE_CACHE: COMPILE_CACHE, MALLOC_ARENA_MAX, ...options.env }),
    logFile: join(options.logDir, `${name}.log`),
    channel: true,
  })
  if (options.postgresPid !== undefined) service.send({ postgresPid: options.postgresPid })
  return service
}

/** Rejects with the last lines of the first of these that ends: none of them may end. */
export async function firstDeath(processes: readonly OwnProcess[]): Promise<never> {
  const { own, code, signal } = await Promise.race(
    processes.map(async (own) => ({ own, ...(await own.exited) })),
  )
  const lines = own.lastLines(LAST_LINES).map((line) => `\n  ${line.slice(0, 1_000)}`)
  const how = signal ? `was ended by ${signal}` : `ended with code ${code}`
  throw new CliError(`${own.name} ${how}; its last lines (${own.logFile}):${lines.join('')}`)
}

/** Waits until a service says that it is ready, at `/readyz` of this URL. */
export async function waitUntilReady(url: string, signal: AbortSignal): Promise<void> {
  for (const end = performance.now() + READY_TIMEOUT_MS; performance.now() < end; ) {
    try {
      const response = await fetch(`${url}/readyz`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(2_000)]),
      })
      await response.body?.cancel()
      if (response.ok) return
    } catch {
      signal.throwIfAborted()
    }
    await sleep(50, undefined, { signal })
  }
  throw new CliError(`${url} is not ready after ${READY_TIMEOUT_MS / 1000} s; see the logs`)
}
