import { setTimeout as sleep } from 'node:timers/promises'
import type { Claim } from '@lettergate/core/dispatch'
import { claimSuspects, countSuspects } from '@lettergate/core/lost-workers'
import type { Queryable } from '@lettergate/db/pool'

import type { Runner } from './isolated-runner.ts'

/** Suspects in hand at once, each in a process of its own. */
const RUNNERS_MAX = 4
/** The queue is not asked for suspects: there are few, and they wait no longer than this. */
const LOOK_MS = 1_000
/** Until the attempt has a lease of its own. Longer than a stuck process lives, so that its parent counts its end. */
const LEASE_MS = 25_000
/** A process that does not start is not started again at once. */
const UNREADY_MS = 5_000
const IDLE_MS = 30_000
const STOP_MS_MAX = 8_000

export type Isolation = {
  start(): void
  /** There may be some now. */
  wake(): void
  busy(): number
  stop(): Promise<void>
}

/**
 * Hands over messages over which a worker was lost, each alone in a process beside this one. If that ends, it had this message and no
 * other: one more is counted at once. Most suspects are innocent and pass at the first try.
 */
export function createIsolation(deps: {
  pool: Queryable
  startRunner: () => Runner
  /** Its process is gone. Where this fails, the lease of the claim ends by itself. */
  countLost: (claim: Claim) => Promise<void>
  onError: (error: unknown) => void
}): Isolation {
  const runners = new Set<Runner>()
  const idle: { runner: Runner; timer: NodeJS.Timeout }[] = []
  let busy = 0
  let startAgainAt = 0
  let stopped = false
  let wake: () => void = () => undefined
  let loop: Promise<void> | null = null

  function startOne(): void {
    const runner = deps.startRunner()
    runners.add(runner)
    void runner.exited.then(() => {
      runners.delete(runner)
      const index = idle.findIndex((entry) => entry.runner === runner)
      for (const { timer } of index < 0 ? [] : idle.splice(index, 1)) clearTimeout(timer)
    })
    void runner.ready.then((isReady) => {
      if (isReady) return keep(runner)
      startAgainAt = performance.now() + UNREADY_MS
    })
  }

  function keep(runner: Runner): void {
    // It may have ended since its last message: a claim given to it would count as lost.
    if (!runners.has(runner)) return
    const timer = setTimeout(() => {
      const index = idle.findIndex((entry) => entry.runner === runner)
      if (index < 0) return
      idle.splice(index, 1)
      runner.stop()
    }, IDLE_MS)
    timer.unref()
    idle.push({ runner, timer })
    wake()
  }

  async function carry(claim: Claim, runner: Runner): Promise<void> {
    if (await runner.carry(claim)) return keep(runner)
    // Logged so that an operator can find the message.
    const how = await runner.exited
    deps.onError(new Error(`the process that had message ${claim.messageId} alone ended: ${how}`))
    await deps.countLost(claim)
  }

  /** Starts processes for those that wait, and claims for those that stand ready. */
  async function look(): Promise<void> {
    const waiting = await countSuspects(deps.pool, RUNNERS_MAX)
    if (waiting === 0) return
    const missing = Math.min(RUNNERS_MAX, waiting + busy) - runners.size
    if (performance.now() >= startAgainAt) for (let count = 0; count < missing; count++) startOne()
    if (idle.length === 0) return
    const claims = await claimSuspects(deps.pool, { free: idle.length, max: RUNNERS_MAX, leaseMs: LEASE_MS })
    for (const claim of claims) {
      const ready = idle.pop()
      // The process ended meanwhile: nothing was begun, and the lease expires soon.
      if (!ready) continue
      clearTimeout(ready.timer)
      busy++
      void carry(claim, ready.runner)
        .catch(deps.onError)
        .finally(() => {
          busy--
          wake()
        })
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve
      })
      await look().catch(deps.onError)
      const rest = new AbortController()
      await Promise.race([woken, sleep(LOOK_MS, undefined, { signal: rest.signal }).catch(() => undefined)])
      rest.abort()
    }
  }

  return {
    start() {
      loop ??= run()
    },
    wake: () => wake(),
    busy: () => busy,
    async stop() {
      stopped = true
      wake()
      await loop
      for (const { timer } of idle) clearTimeout(timer)
      for (const runner of runners) runner.stop()
      const ended = Promise.all([...runners].map(({ exited }) => exited))
      const patience = new AbortController()
      await Promise.race([
        ended,
        sleep(STOP_MS_MAX, undefined, { signal: patience.signal }).catch(() => undefined),
      ])
      patience.abort()
    },
  }
}
