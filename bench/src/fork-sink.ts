import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export type ForkedSink = AsyncDisposable & { port: number; child: ChildProcess }

/** Starts a sink in a separate process, so that its cost is not part of the measurement, and waits until it listens. */
export async function forkSink(file: string, args: readonly string[] = []): Promise<ForkedSink> {
  const main = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(main, args, { stdio: 'inherit', execArgv: [] })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    port,
    child,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}
