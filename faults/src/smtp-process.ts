import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { FakeSmtpOptions } from './fake-smtp.ts'
import type { SmtpScript } from './fake-smtp-fault.ts'
import type { SmtpRequest } from './fake-smtp-main.ts'
import type { ProviderEntry, ProviderFaultEntry } from './provider-ledger.ts'

export type SmtpProcess = {
  port: number
  pid: number
  /** Replaces the script; rules count from here. */
  script(script: SmtpScript): Promise<void>
  /** Mails taken. */
  count(): Promise<number>
  ledger(): Promise<ProviderEntry[]>
  faults(): Promise<ProviderFaultEntry[]>
  stop(): Promise<void>
}

/** Starts the fake SMTP server and waits until it listens. */
export async function startSmtp(options: FakeSmtpOptions = {}): Promise<SmtpProcess> {
  const main = fileURLToPath(new URL('./fake-smtp-main.ts', import.meta.url))
  const child = fork(main, [JSON.stringify(options)], { stdio: 'inherit', execArgv: [] })
  const open = new Map<number, (answer: unknown) => void>()
  let next = 0
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  child.on('message', ({ id, answer }: { id: number; answer: unknown }) => {
    open.get(id)?.(answer)
    open.delete(id)
  })
  const ask = async <T>(what: SmtpRequest['ask'], script?: SmtpScript): Promise<T> => {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const id = next++
    open.set(id, resolve)
    child.send({ id, ask: what, script } satisfies SmtpRequest)
    return (await promise) as T
  }
  return {
    port,
    pid: child.pid ?? -1,
    script: async (script) => void (await ask('script', script)),
    count: () => ask('count'),
    ledger: () => ask('ledger'),
    faults: () => ask('faults'),
    async stop() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}
