import { type Transferable, Worker } from 'node:worker_threads'

/** Longer than any task takes; a thread that needs more is ended. */
const TASK_MS_MAX = 20_000
/** A thread without a task is ended after this time. */
const IDLE_MS = 30_000
const HEAP_MB_MAX = 768

/** One task in the thread, seen from this side. */
export type Task<Ask, Result> = {
  ask(message: Ask, transfer?: Transferable[]): void
  done(result: Result): void
  /** Ends the task; the thread is fine. */
  fail(error: Error): void
  /** Ends the task, and the thread with it. */
  drop(reason: string): void
}

export type TaskThread<Ask, Answer> = {
  /** Runs tasks one at a time, in order. `begin` sends the input of the task, and returns the listener of the thread. */
  run<Result>(begin: (task: Task<Ask, Result>) => (answer: Answer) => void): Promise<Result>
}

type ThreadSlot = { worker: Worker; idle: NodeJS.Timeout | undefined }

/**
 * Runs large tasks in one other thread, begun by the first and ended after the last. Two threads would hold two large tasks in memory at
 * once, and take the processor from small ones.
 */
export function createTaskThread<Ask, Answer>(
  script: URL,
  toError: (reason: string) => Error,
): TaskThread<Ask, Answer> {
  let slot: ThreadSlot | undefined
  let last: Promise<unknown> = Promise.resolve()

  function takeThread(): ThreadSlot {
    const taken = slot ?? {
      worker: new Worker(script, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX } }),
      idle: undefined,
    }
    clearTimeout(taken.idle)
    slot = taken
    return taken
  }

  function endThread(taken: ThreadSlot): void {
    if (slot === taken) slot = undefined
    void taken.worker.terminate()
  }

  function giveBack(taken: ThreadSlot): void {
    taken.worker.unref()
    taken.idle = setTimeout(() => endThread(taken), IDLE_MS).unref()
  }

  function runNow<Result>(begin: (task: Task<Ask, Result>) => (answer: Answer) => void): Promise<Result> {
    const taken = takeThread()
    const { worker } = taken
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const drop = (reason: string) => {
      endThread(taken)
      reject(toError(reason))
    }
    const task: Task<Ask, Result> = {
      ask: (message, transfer) => worker.postMessage(message, transfer),
      done(result) {
        giveBack(taken)
        resolve(result)
      },
      fail(error) {
        giveBack(taken)
        reject(error)
      },
      drop,
    }
    let onMessage: (answer: Answer) => void
    try {
      onMessage = begin(task)
    } catch (error) {
      giveBack(taken)
      throw error
    }
    const onError = (error: Error) => drop(error.message)
    const onExit = () => drop('its thread ended')
    const late = setTimeout(() => drop('it took too long'), TASK_MS_MAX)
    worker.ref()
    worker.on('message', onMessage).on('error', onError).on('exit', onExit)
    return promise.finally(() => {
      clearTimeout(late)
      worker.off('message', onMessage).off('exit', onExit)
      // An `error` without a listener would end the process.
      if (slot === taken) worker.off('error', onError)
    })
  }

  return {
    run(begin) {
      const result = last.then(() => runNow(begin))
      last = result.catch(() => undefined)
      return result
    },
  }
}
