import { setTimeout as startTimer } from 'node:timers'

export type ConnectGate = {
  /** Resolves when a new connection may begin its handshake; rejects when that takes too long. */
  pass(): Promise<void>
  /** How a handshake ended. */
  note(isOpen: boolean): void
}

export type GateOptions = {
  /** After a failure, so long from the beginning of one handshake to that of the next. */
  spacingMs: number
  /** Waits at most so long to begin. */
  waitMs: number
}

/**
 * Lets handshakes begin at once while they succeed, and one after another once one has failed. Each that a client gives up is work for
 * Postgres when it comes back: it starts a process for it before it learns that nobody is there. A pool that kept trying with all of its
 * connections would keep a database busy that has just recovered.
 */
export function createConnectGate({ spacingMs, waitMs }: GateOptions): ConnectGate {
  /** In order of arrival. */
  const waiting = new Set<() => void>()
  let hasFailed = false
  let lastAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | null = null

  function next(): void {
    timer = null
    const [first] = waiting
    if (!first) return
    lastAt = performance.now()
    first()
    schedule()
  }

  function schedule(): void {
    if (waiting.size === 0 || timer) return
    timer = startTimer(next, Math.max(0, lastAt + spacingMs - performance.now())).unref()
  }

  return {
    pass() {
      if (!hasFailed) {
        lastAt = performance.now()
        return Promise.resolve()
      }
      return new Promise((resolve, reject) => {
        const late = startTimer(() => {
          waiting.delete(begin)
          reject(new Error('the database takes no new connections at present'))
        }, waitMs).unref()
        const begin = () => {
          clearTimeout(late)
          waiting.delete(begin)
          resolve()
        }
        waiting.add(begin)
        schedule()
      })
    },
    note(isOpen) {
      hasFailed = !isOpen
      if (isOpen) for (const begin of [...waiting]) begin()
    },
  }
}
