import { Problem } from '@lettergate/contracts/problems/problems'

/** Requests that wait in one process: each holds a socket. */
const WAITING_MAX = 2_000
const WAITING_PER_TENANT_MAX = 200

/** Signals a possible change; a signal without a listener is kept for the next one. */
export class Bell {
  #isRung = false
  #answer: (() => void) | null = null

  ring(): void {
    this.#isRung = true
    this.#answer?.()
  }

  /** Resolves at the next ring, at once if there was one since the last call, or after `ms`. */
  async next(ms: number): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        this.#answer = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#answer = null
    this.#isRung = false
  }
}

/** Waiters by message, bounded for the process and for each tenant. */
export class Waiters {
  readonly #bells = new Map<string, Set<Bell>>()
  readonly #perTenant = new Map<string, number>()
  #count = 0

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** Throws a `Problem` when too many wait already. */
  enter(tenantId: string, id: string, bell: Bell): void {
    const ofTenant = this.#perTenant.get(tenantId) ?? 0
    const headers = { 'retry-after': '1' }
    if (this.#count >= WAITING_MAX) {
      throw new Problem('overloaded', { detail: 'Too many requests wait already.', headers })
    }
    if (ofTenant >= WAITING_PER_TENANT_MAX) {
      const detail = `At most ${WAITING_PER_TENANT_MAX} requests may wait at once.`
      throw new Problem('rate-limited', { detail, headers })
    }
    this.#count++
    this.#perTenant.set(tenantId, ofTenant + 1)
    const bells = this.#bells.get(id) ?? new Set()
    this.#bells.set(id, bells.add(bell))
  }

  leave(tenantId: string, id: string, bell: Bell): void {
    this.#count--
    const ofTenant = (this.#perTenant.get(tenantId) ?? 1) - 1
    if (ofTenant > 0) this.#perTenant.set(tenantId, ofTenant)
    else this.#perTenant.delete(tenantId)
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
