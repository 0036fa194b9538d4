import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientRequest } from './client-ledger.ts'
import { startPart } from './gateway.ts'
import { freePort } from './ports.ts'
import type { Managed } from './processes.ts'

export type Stop = {
  part: 'api' | 'worker'
  code: number | null
  tookMs: number
  /** The answers of /readyz meanwhile, each once: 0 means that no server listens. */
  readiness: number[]
}

export type Fleet = AsyncDisposable & {
  ports: readonly number[]
  /** Stops one as an orchestrator does, by SIGTERM, and starts its successor: of an api on its port, of a worker beforehand. */
  replace(index: number): Promise<Stop>
}

const POLL_MS = 20

/** Several processes of one part, which are replaced one by one as in a rolling deploy. */
export async function startFleet(
  part: 'api' | 'worker',
  env: Record<string, string>,
  count: number,
): Promise<Fleet> {
  const portName = part === 'api' ? 'API_PORT' : 'WORKER_METRICS_PORT'
  const start = async (port: number) => ({
    port,
    process: await startPart(part, { ...env, [portName]: String(port) }),
  })
  const members: { port: number; process: Managed }[] = []
  for (let index = 0; index < count; index++) members.push(await start(await freePort()))
  return {
    ports: members.map(({ port }) => port),
    async replace(index) {
      const old = members[index]
      if (old === undefined) throw new Error(`there is no ${part} number ${index}`)
      const successor = part === 'worker' ? await start(await freePort()) : undefined
      const stop = await stopWatched(part, old)
      members[index] = successor ?? (await start(old.port))
      return stop
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map(({ process }) => process.stop()))
    },
  }
}

async function stopWatched(
  part: 'api' | 'worker',
  { port, process }: { port: number; process: Managed },
): Promise<Stop> {
  const readiness: number[] = []
  const watch = async () => {
    while (process.running()) {
      const status = await fetch(`http://127.0.0.1:${port}/readyz`, {
        headers: { connection: 'close' },
      }).then(
        (response) => response.status,
        () => 0,
      )
      if (readiness.at(-1) !== status) readiness.push(status)
      await sleep(POLL_MS)
    }
  }
  const start = performance.now()
  const exited = process.kill('SIGTERM')
  const watching = watch()
  const { code } = await exited
  const tookMs = Math.round(performance.now() - start)
  await watching
  return { part, code, tookMs, readiness }
}

/** The connection of a client to two or more apis: it stays with one until a request there fails. */
export function stayUntilRefused(ports: readonly number[], first: number): (tries: number) => string {
  let at = first
  return (tries) => {
    if (tries > 0) at++
    return `http://127.0.0.1:${ports[at % ports.length]}`
  }
}

/** Requests that were broken off after they had been sent: not those for which no server listened. */
export function brokenOff(requests: readonly ClientRequest[]): string[] {
  return requests.flatMap(({ answers }) =>
    answers
      .filter(({ status, failure }) => status === 0 && !failure?.includes('ECONNREFUSED'))
      .map(({ failure }) => failure ?? 'no answer'),
  )
}
