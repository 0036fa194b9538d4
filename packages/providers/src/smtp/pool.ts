import type { Io } from '../provider.ts'
import type { Transfer } from './outcome.ts'
import type { Session } from './session.ts'

const idleMsMax = 20_000

export type Opened = { session: Session } | { failure: Transfer }
export type Lease = { session: Session; reused: boolean } | { failure: Transfer }

/** The connections of one account at one server. */
export type Pool = {
  /** A session for one message; waits while all are busy. */
  acquire(io: Io): Promise<Lease>
  release(session: Session): Promise<void>
  isUnused(): boolean
  close(): Promise<void>
}

/** Makes an empty pool of at most `sessionsMax`; `open` makes one more whenever it is needed. */
export function createPool(sessionsMax: number, open: (io: Io) => Promise<Opened>): Pool {
  const idle: { session: Session; since: number }[] = []
  // Called with a session to use, or with nothing when there is room to open one.
  const waiting: ((session?: Session) => void)[] = []
  const sessions = new Set<Session>()
  let slotsTaken = 0
  let closed = false
  let reaper: NodeJS.Timeout | undefined

  function freeSlot(): void {
    slotsTaken--
    waiting.shift()?.()
  }

  async function openOne(io: Io): Promise<Lease> {
    slotsTaken++
    const opened = await open(io)
    if ('failure' in opened) {
      freeSlot()
      return opened
    }
    const { session } = opened
    sessions.add(session)
    if (closed) void session.close()
    session.onEnd(() => {
      sessions.delete(session)
      const at = idle.findIndex((entry) => entry.session === session)
      if (at >= 0) idle.splice(at, 1)
      freeSlot()
    })
    return { session, reused: false }
  }

  async function acquire(io: Io): Promise<Lease> {
    for (;;) {
      const newest = idle.pop()
      if (newest) return { session: newest.session, reused: true }
      if (slotsTaken < sessionsMax) return openOne(io)
      const turn = await nextTurn(io.signal)
      if (turn === 'aborted') {
        return { failure: { kind: 'lost', complete: false, reason: 'every connection stayed busy' } }
      }
      if (turn) return { session: turn, reused: true }
    }
  }

  function nextTurn(signal: AbortSignal): Promise<Session | undefined | 'aborted'> {
    return new Promise((resolve) => {
      const turn = (session?: Session) => {
        signal.removeEventListener('abort', abort)
        resolve(session)
      }
      const abort = () => {
        const at = waiting.indexOf(turn)
        if (at >= 0) waiting.splice(at, 1)
        resolve('aborted')
      }
      if (signal.aborted) return resolve('aborted')
      signal.addEventListener('abort', abort, { once: true })
      waiting.push(turn)
    })
  }

  async function release(session: Session): Promise<void> {
    if (!(await session.renew())) return session.close()
    const next = waiting.shift()
    if (next) return next(session)
    idle.push({ session, since: performance.now() })
    reaper ??= setTimeout(reap, idleMsMax).unref()
  }

  function reap(): void {
    const oldest = performance.now() - idleMsMax
    while (idle[0] && idle[0].since <= oldest) void idle.shift()?.session.close()
    reaper = idle.length > 0 ? setTimeout(reap, idleMsMax).unref() : undefined
  }

  return {
    acquire,
    release,
    isUnused: () => slotsTaken === 0,
    close: async () => {
      closed = true
      clearTimeout(reaper)
      await Promise.all([...sessions].map((session) => session.close()))
    },
  }
}
