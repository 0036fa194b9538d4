import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { FakeProviderOptions, ProviderScript } from './fake-provider.ts'
import type { ProviderEntry, ProviderFaultEntry } from './provider-ledger.ts'

export type ProviderProcess = {
  url: string
  pid: number
  /** Replaces the script; rules count from here. */
  script(script: ProviderScript): Promise<void>
  /** Mails taken; a repeat that was recognised is none. */
  count(): Promise<number>
  ledger(): Promise<ProviderEntry[]>
  /** Repeats that were recognised by their key. */
  replays(): Promise<ProviderEntry[]>
  /** Requests with a fault after they were read. */
  faults(): Promise<ProviderFaultEntry[]>
  stop(): Promise<void>
}

/** Starts the fake provider and waits until it listens. */
export async function startProvider(options: FakeProviderOptions = {}): Promise<ProviderProcess> {
  const main = fileURLToPath(new URL('./fake-provider-main.ts', import.meta.url))
  const child = fork(main, [JSON.stringify(options)], { stdio: 'inherit', execArgv: [] })
  const port = await listeningPort(child)
  const url = `http://127.0.0.1:${port}`
  const ask = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const response = await fetch(`${url}${path}`, init)
    return (await response.json()) as T
  }
  return {
    url,
    pid: child.pid ?? -1,
    script: (script) => ask('/script', { method: 'PUT', body: JSON.stringify(script) }),
    count: () => ask('/ledger/count'),
    ledger: () => ask('/ledger'),
    replays: () => ask('/ledger/replays'),
    faults: () => ask('/ledger/faults'),
    async stop() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function listeningPort(child: ChildProcess): Promise<number> {
  const exited = once(child, 'exit').then(() => {
    throw new Error('the fake provider ended before it listened')
  })
  const [message] = (await Promise.race([once(child, 'message'), exited])) as [{ port: number }]
  exited.catch(() => undefined)
  return message.port
}
