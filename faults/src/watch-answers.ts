import { setTimeout as sleep } from 'node:timers/promises'

export type Answer = {
  /** When it was sent, on the clock of `performance.now()`. */
  at: number
  /** 0: no answer came. */
  status: number
  tookMs: number
}

export type AnswerWatch = {
  answers: readonly Answer[]
  stop(): Promise<void>
}

const ANSWER_MS_MAX = 20_000

/** Requests a URL repeatedly, without waiting for earlier answers, and records each result. */
export function watchAnswers(
  url: string,
  options: { everyMs: number; headers?: Record<string, string> },
): AnswerWatch {
  const answers: Answer[] = []
  const asking = new Set<Promise<void>>()
  let stopped = false

  async function ask(): Promise<void> {
    const at = performance.now()
    const status = await fetch(url, {
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
      ...(options.headers && { headers: options.headers }),
    }).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status
      },
      () => 0,
    )
    answers.push({ at, status, tookMs: performance.now() - at })
  }

  async function run(): Promise<void> {
    while (!stopped) {
      const asked = ask().finally(() => asking.delete(asked))
      asking.add(asked)
      await sleep(options.everyMs)
    }
    await Promise.all(asking)
  }

  const running = run()
  return {
    answers,
    stop() {
      stopped = true
      return running
    },
  }
}
