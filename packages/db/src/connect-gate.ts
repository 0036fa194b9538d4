import { setTimeout as startTimer } from 'node:timers'

export type ConnectGate = {
  /**
   * Resolves when a new connection may begin its handshake, with what is to be called at its end; rejects when that takes too long.
   * `giveUp`: a handshake that began later was answered an interval ago. One that is merely slow has been answered by then.
   */
  pass(giveUp: () => void): Promise<(isOpen: boolean) => void>
}

export type GateOptions = {
  /** Concurrent handshakes until one is answered. */
  atOnce: number
  /** Interval between handshakes while none is answered. */
  spacingMs: number
  /** Longest wait for a handshake to start. */
  waitMs: number
}

type Handshake = { at: number; giveUp: () => void }

/**
 * Opens a few connections at a time while the database answers, and one after another until it does. Postgres starts a process for each
 * connection before it notices that the client has given up: a pool that retried with all its connections would overload a database that
 * has just recovered.
 */
export function createConnectGate({ atOnce, spacingMs, waitMs }: GateOptions): ConnectGate {
  const underWay = new Set<Handshake>()
  /** In order of arrival. */
  const waiting = new Set<() => void>()
  let isSilent = false
  let lastAt = Number.NEGATIVE_INFINITY
  /** When the newest of those began that were answered. */
  let answeredAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | null = null

  const mayBegin = () => !isSilent && underWay.size < atOnce

  function next(): void {
    timer = null
    const [first] = waiting
    first?.()
    schedule()
  }

  function schedule(): void {
    if (waiting.size === 0 || timer) return
    timer = startTimer(next, Math.max(0, lastAt + spacingMs - performance.now())).unref()
  }

  function begin(giveUp: () => void): (isOpen: boolean) => void {
    lastAt = performance.now()
    const handshake = { at: lastAt, giveUp }
    underWay.add(handshake)
    return (isOpen) => {
      underWay.delete(handshake)
      if (isOpen) answered(handshake)
      else if (handshake.at > answeredAt) failed(handshake)
    }
  }

  /** A refusal is an answer, too: Postgres has no more to do for it, and the next may begin. */
  function failed({ at }: Handshake): void {
    isSilent = performance.now() - at > spacingMs
    const [first] = waiting
    if (mayBegin()) first?.()
  }

  function giveUp(older: readonly Handshake[]): void {
    for (const handshake of older) if (underWay.has(handshake)) handshake.giveUp()
  }

  function answered({ at }: Handshake): void {
    isSilent = false
    answeredAt = Math.max(answeredAt, at)
    const older = [...underWay].filter((other) => other.at < at - spacingMs / 2)
    if (older.length > 0) startTimer(giveUp, spacingMs, older).unref()
    for (const go of waiting) go()
  }

  return {
    pass(giveUp) {
      if (mayBegin()) return Promise.resolve(begin(giveUp))
      return new Promise((resolve, reject) => {
        const late = startTimer(() => {
          waiting.delete(go)
          reject(new Error('the database takes no new connections at present'))
        }, waitMs).unref()
        const go = () => {
          clearTimeout(late)
          waiting.delete(go)
          resolve(begin(giveUp))
        }
        waiting.add(go)
        schedule()
      })
    },
  }
}
