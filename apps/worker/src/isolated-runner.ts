import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { HandOff } from '@lettergate/core/deliver'
import type { Claim } from '@lettergate/db/sql/claim-messages'
import type { FromIsolated, ToIsolated } from './isolation-protocol.ts'

const MAIN = fileURLToPath(new URL('./isolated-main.ts', import.meta.url))
/** The largest message takes a few hundred megabytes in its many forms. */
const HEAP_MB_MAX = 768
const START_MS_MAX = 30_000
/** Above the waits in hand and the longest call; the process ends itself earlier where its main thread is stuck. */
const CARRY_MS_MAX = 90_000

/** `survived`: the claim is done or given back. `died`: the process ended over it. `unready`: it never began. */
export type Carried = 'survived' | 'died' | 'unready'

export type Runner = {
  carry(claim: Claim): Promise<Carried>
  isAlive(): boolean
  /** Lets it end in order. */
  stop(): void
  exited: Promise<void>
}

/** A process that carries one claim at a time, watched from here. */
export function startRunner(onHandOff: (handOff: HandOff) => void): Runner {
  const child = fork(MAIN, {
    execArgv: [
      ...process.execArgv.filter((flag) => !flag.startsWith('--max-')),
      `--max-old-space-size=${HEAP_MB_MAX}`,
    ],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let alive = true
  let hear: (message: FromIsolated) => void = () => undefined
  const exited = new Promise<void>((resolve) => {
    const over = () => {
      alive = false
      resolve()
    }
    child.once('exit', over)
    child.once('error', over)
  })
  // A closed channel is told by the exit.
  child.on('error', () => undefined)
  const ready = heard(({ kind }) => kind === 'ready', START_MS_MAX)
  child.on('message', (message: FromIsolated) => {
    if (message.kind === 'hand-off') onHandOff(message.handOff)
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
      if (!(await ready)) return 'unready'
      const done = heard((message) => message.kind === 'done' && message.epoch === claim.epoch, CARRY_MS_MAX)
      child.send({ claim } satisfies ToIsolated, () => undefined)
      return (await done) ? 'survived' : 'died'
    },
    isAlive: () => alive,
    stop: () => void child.kill('SIGTERM'),
    exited,
  }
}
