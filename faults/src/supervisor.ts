import type { Managed } from './processes.ts'

export type Supervised = {
  current(): Managed
  /** How often it died before it was stopped. */
  deaths(): number
  stop(): Promise<void>
}

const DEATHS_MAX = 200

/** Keeps a process running, as an operator's supervisor would; `round` counts the starts from 0. */
export async function supervise(options: {
  start(round: number): Promise<Managed>
  /** Runs between a death and the next start. */
  onDeath?(): Promise<void>
}): Promise<Supervised> {
  let deaths = 0
  let stopping = false
  let current = await options.start(0)
  const watch = async (): Promise<void> => {
    for (;;) {
      await current.exited
      if (stopping) return
      deaths += 1
      if (deaths > DEATHS_MAX) throw new Error(`${current.name} dies all the time: ${current.output()}`)
      await options.onDeath?.()
      if (stopping) return
      current = await options.start(deaths)
      // Stopped while starting: the caller that stops it ends this process too.
      if (stopping) return
    }
  }
  let failure: unknown
  const watching = watch().catch((error: unknown) => {
    failure = error
  })
  return {
    current: () => current,
    deaths: () => deaths,
    async stop() {
      stopping = true
      await current.stop()
      await watching
      if (current.running()) await current.stop()
      if (failure) throw failure
    },
  }
}
