/** How soon a worker notices a job that is new or due, in milliseconds. */
const LOOK_MS = 1_000

/** Work in the background of a worker. `stop` resolves when the turn under way has ended. */
export type Background = { start(): void; stop(): Promise<void> }

/** `wake`: there is something to do, so the next turn comes without a wait. */
export type Wakeable = Background & { wake(): void }

/**
 * Repeats a turn until it is stopped. A turn answers the milliseconds until the next one; its signal says that it should end early. After a
 * turn that fails, the next one comes after `errorMs`.
 */
export function repeatTurns(
  turn: (signal: AbortSignal) => Promise<number>,
  options: { firstMs?: number; errorMs: number; onError: (error: unknown) => void },
): Wakeable {
  const stopping = new AbortController()
  const { signal } = stopping
  let running: Promise<void> | null = null
  let isWoken = false
  let endWait = () => {}

  function wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      endWait = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async function run(): Promise<void> {
    let waitMs = options.firstMs ?? 0
    while (!signal.aborted) {
      if (waitMs > 0 && !isWoken) await wait(waitMs)
      if (signal.aborted) return
      isWoken = false
      waitMs = await turn(signal).catch((error: unknown) => {
        options.onError(error)
        return options.errorMs
      })
    }
  }

  return {
    start() {
      running ??= run()
    },
    wake() {
      isWoken = true
      endWait()
    },
    async stop() {
      stopping.abort()
      endWait()
      await running
    },
  }
}

/** Does jobs one after another, and looks for the next one every second. `runOne` answers whether there was one. */
export function repeatJobs(
  runOne: (signal: AbortSignal) => Promise<boolean>,
  onError: (error: unknown) => void,
): Background {
  return repeatTurns(async (signal) => ((await runOne(signal)) ? 0 : LOOK_MS), { errorMs: LOOK_MS, onError })
}
