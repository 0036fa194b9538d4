import type { TimerWheel } from '../lib/index.ts'

/** Signals a possible change; a signal without a listener is kept for the next one. */
export class Bell {
  #isRung = false
  #answer: (() => void) | null = null

  ring(): void {
    this.#isRung = true
    this.#answer?.()
  }

  /** Resolves at the next ring, at once if there was one since the last call, or after `ms`. */
  async next(wheel: TimerWheel, ms: number): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        const cancel = wheel.after(ms, resolve)
        this.#answer = () => {
          cancel()
          resolve()
        }
      })
    }
    this.#answer = null
    this.#isRung = false
  }
}

/** Waiters by message. */
export class Waiters {
  readonly #bells = new Map<string, Set<Bell>>()

  get isEmpty(): boolean {
    return this.#bells.size === 0
  }

  enter(id: string, bell: Bell): void {
    const bells = this.#bells.get(id) ?? new Set()
    this.#bells.set(id, bells.add(bell))
  }

  leave(id: string, bell: Bell): void {
    const bells = this.#bells.get(id)
    bells?.delete(bell)
    if (bells?.size === 0) this.#bells.delete(id)
  }

  ring(id: string): void {
    for (const bell of this.#bells.get(id) ?? []) bell.ring()
  }

  ringAll(): void {
    for (const bells of this.#bells.values()) for (const bell of bells) bell.ring()
  }
}
