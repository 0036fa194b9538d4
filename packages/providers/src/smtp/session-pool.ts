import type { Io } from '../provider.ts'
import type { Transfer } from './outcome.ts'
import type { Session } from './session.ts'

const idleMsMax = 20_000

export type Opened = { session: Session } | { failure: Transfer }
export type Lease = { session: Session; reused: boolean } | { failure: Transfer }
/** Makes one more connection. */
export type Open = (io: Io) => Promise<Opened>
type Turn = (session?: Session) => void

/** The connections of one account at one server. */
export class SessionPool {
  readonly #sessionsMax: number
  readonly #sessions = new Set<Session>()
  readonly #idle: { session: Session; since: number }[] = []
  // Called with a session to use, or with nothing when there is room to open one.
  readonly #waiting: Turn[] = []
  #slotsTaken = 0
  // The limit for idle sockets holds until more sessions are opened again.
  #restMax = Number.POSITIVE_INFINITY
  #closed = false
  #reaper: NodeJS.Timeout | undefined

  /** An empty pool of at most `sessionsMax`. */
  constructor(sessionsMax: number) {
    this.#sessionsMax = sessionsMax
  }

  /**
   * A session for one message; waits while all are busy, until it is too late to begin. A pool outlives the secrets that it was begun
   * with, hence `open`.
   */
  async acquire(open: Open, io: Io): Promise<Lease> {
    for (;;) {
      const newest = this.#idle.pop()
      if (newest) return { session: newest.session, reused: true }
      if (this.#slotsTaken < this.#sessionsMax) return this.#openOne(open, io)
      const turn = await this.#nextTurn(io.beginSignal)
      if (turn === 'aborted') return { failure: { kind: 'busy', reason: 'every connection stayed busy' } }
      if (turn) return { session: turn, reused: true }
    }
  }

  async release(session: Session): Promise<void> {
    if (this.#closed || this.#slotsTaken > this.#restMax || !(await session.renew())) return session.close()
    const next = this.#waiting.shift()
    if (next) return next(session)
    this.#idle.push({ session, since: performance.now() })
    this.#reaper ??= setTimeout(() => this.#reap(), idleMsMax).unref()
  }

  /** Closes idle sessions beyond this number; sessions in use stay. */
  async rest(sessions: number): Promise<void> {
    this.#restMax = sessions
    const closing: Promise<void>[] = []
    while (this.#slotsTaken - closing.length > sessions) {
      const oldest = this.#idle.shift()
      if (!oldest) break
      closing.push(oldest.session.close())
    }
    await Promise.all(closing)
  }

  isUnused(): boolean {
    return this.#slotsTaken === 0
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#reaper)
    await Promise.all([...this.#sessions].map((session) => session.close()))
  }

  async #openOne(open: Open, io: Io): Promise<Lease> {
    this.#slotsTaken++
    if (this.#slotsTaken > this.#restMax) this.#restMax = Number.POSITIVE_INFINITY
    const opened = await open(io).catch((error: unknown) => {
      this.#freeSlot()
      throw error
    })
    if ('failure' in opened) {
      this.#freeSlot()
      return opened
    }
    const { session } = opened
    this.#sessions.add(session)
    session.onEnd(() => this.#forget(session))
    return { session, reused: false }
  }

  #nextTurn(signal: AbortSignal): Promise<Session | undefined | 'aborted'> {
    return new Promise((resolve) => {
      const turn: Turn = (session) => {
        signal.removeEventListener('abort', abort)
        resolve(session)
      }
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1)
        resolve('aborted')
      }
      if (signal.aborted) return resolve('aborted')
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.push(turn)
    })
  }

  #forget(session: Session): void {
    this.#sessions.delete(session)
    const at = this.#idle.findIndex((entry) => entry.session === session)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#freeSlot()
  }

  #freeSlot(): void {
    this.#slotsTaken--
    this.#waiting.shift()?.()
  }

  #reap(): void {
    const longAgo = performance.now() - idleMsMax
    while (this.#idle[0] && this.#idle[0].since <= longAgo) void this.#idle.shift()?.session.close()
    this.#reaper = this.#idle.length > 0 ? setTimeout(() => this.#reap(), idleMsMax).unref() : undefined
  }
}
