import { ConfigError } from './config.ts'

export type Service = {
  /** Finishes what is in hand. */
  stop(): Promise<void>
  onError(error: unknown): void
}

/** An orchestrator kills after ten seconds. Whatever hangs then is left as by a process that died, which loses nothing. */
const STOP_MS_MAX = 9_500

function fail(text: string): never {
  process.stderr.write(`${text}\n`)
  process.exit(1)
}

/** Runs a service until SIGTERM or SIGINT. Exit code 1, and what people read on stderr, if it cannot start. */
export function runService(name: string, start: () => Promise<Service>): void {
  start().then(
    ({ stop, onError }) => {
      let isStopping = false
      // A Ctrl-C arrives twice, from the terminal and from npm: a repeat changes nothing.
      function end(): void {
        if (isStopping) return
        isStopping = true
        setTimeout(() => process.exit(1), STOP_MS_MAX).unref()
        stop().then(
          () => process.exit(0),
          (error: unknown) => {
            onError(error)
            process.exit(1)
          },
        )
      }
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end)
    },
    (error: unknown) =>
      fail(error instanceof ConfigError ? error.message : `${name} could not start: ${String(error)}`),
  )
}

/** Mail must not be promised on a database that may forget it; development may try. */
export function refuseDatabase(name: string, issues: readonly string[]): never {
  return fail(`${name} does not run in production on this database:\n${issues.join('\n')}`)
}
