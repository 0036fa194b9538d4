import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { AttemptResult } from '@lettergate/core/deliver'
import type { Claim } from '@lettergate/core/dispatch'
import type { FromIsolated, ToIsolated } from './isolation-protocol.ts'

const MAIN = fileURLToPath(new URL('./isolated-main.ts', import.meta.url))
/** The largest message takes a few hundred megabytes in its many forms. */
const HEAP_MB_MAX = 768
const START_MS_MAX = 120_000
/** Above the waits in hand and the longest call; the process ends itself earlier where its main thread is stuck. */
const CARRY_MS_MAX = 90_000

export type Runner = {
  /** Whether the claim is done or released; false: the process ended during it. Waits until the process is ready. */
  carry(claim: Claim): Promise<boolean>
  /** False: it ended before it could begin. */
  ready: Promise<boolean>
  /** Lets it end in order. */
  stop(): void
  /** How it ended: a signal or a code. */
  exited: Promise<string>
}

/** A process that carries one claim at a time, watched from here. */
export function startRunner(onAttempt: (attempt: AttemptResult) => void): Runner {
  const child = fork(MAIN, {
    execArgv: [
      ...process.execArgv.filter((flag) => !flag.startsWith('--max-')),
      `--max-old-space-size=${HEAP_MB_MAX}`,
    ],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let hear: (message: FromIsolated) => void = () => undefined
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`))
    child.once('error', (error) => resolve(error.message))
  })
  // The exit event reports a closed channel.
  child.on('error', () => undefined)
  const ready = heard(({ kind }) => kind === 'ready', START_MS_MAX)
  child.on('message', (message: FromIsolated) => {
    if (message.kind === 'attempt') onAttempt(message.attempt)
    else hear(message)
  })

  /** Whether it said so before it ended or its time was over. */
  function heard(isIt: (message: FromIsolated) => boolean, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), withinMs)
      const settle = (was: boolean) => {
        clearTimeout(timer)
        resolve(was)
      }
      hear = (message) => {
        if (isIt(message)) settle(true)
      }
      void exited.then(() => settle(false))
    })
  }

  return {
    async carry(claim) {
      const done = heard((message) => message.kind === 'done' && message.epoch === claim.epoch, CARRY_MS_MAX)
      child.send({ claim } satisfies ToIsolated, () => undefined)
      return await done
    },
    ready,
    stop: () => void child.kill('SIGTERM'),
    exited,
  }
}
