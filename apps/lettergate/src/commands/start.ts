import type { Command } from 'commander'
import { start } from '../start/start.ts'

/** `lettergate start`: api, worker and, unless DATABASE_URL is set, a Postgres of its own. */
export function addStartCommand(program: Command): void {
  program
    .command('start')
    .description('run everything on this machine, with an embedded Postgres unless DATABASE_URL is set')
    .action(async () => {
      const stop = new AbortController()
      // A Ctrl-C arrives twice, from the terminal and from npm; stopping is bounded in time, so a repeat changes nothing.
      const onSignal = () => stop.abort()
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
      await start(stop.signal, (text) => process.stdout.write(text), process.stdout.isTTY)
    })
}
