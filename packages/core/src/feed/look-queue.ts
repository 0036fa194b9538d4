/** One thing that may have to be looked at again and again; never twice at the same time. */
export type Looked = {
  look(): Promise<void>
}

export type LookQueue = {
  /** Looks as soon as there is room; if a look is under way, once more after it. */
  add(item: Looked): void
}

/**
 * Bounds the looks at the same time, and how often one thing is looked at: it rests after each look, so that a burst of news costs
 * few. A look that failed is repeated after a longer rest.
 */
export function createLookQueue(options: {
  looksMax: number
  restMs: number
  restAfterFailureMs: number
  onError(error: unknown): void
}): LookQueue {
  const waiting = new Set<Looked>()
  /** Looked at now, or at rest; true: to be looked at once more. */
  const busy = new Map<Looked, boolean>()
  let looks = 0

  async function run(item: Looked): Promise<void> {
    let restMs = options.restMs
    try {
      await item.look()
    } catch (error) {
      options.onError(error)
      restMs = options.restAfterFailureMs
      busy.set(item, true)
    }
    looks--
    setTimeout(() => endRest(item), restMs).unref()
    pump()
  }

  function endRest(item: Looked): void {
    const isDue = busy.get(item)
    busy.delete(item)
    if (isDue) add(item)
  }

  function pump(): void {
    for (const item of waiting) {
      if (looks >= options.looksMax) return
      waiting.delete(item)
      busy.set(item, false)
      looks++
      void run(item)
    }
  }

  function add(item: Looked): void {
    if (busy.has(item)) {
      busy.set(item, true)
      return
    }
    waiting.add(item)
    pump()
  }

  return { add }
}
