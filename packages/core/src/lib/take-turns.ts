import { setImmediate } from 'node:timers/promises'

/** An answer costs about 60 µs. */
const SLICE = 100

/** Does something for each item, some at a time, and between two slices it is the turn of other work. */
export async function inSlices<T>(items: Iterable<T>, act: (item: T) => void): Promise<void> {
  let done = 0
  for (const item of items) {
    if (done > 0 && done % SLICE === 0) await setImmediate()
    act(item)
    done++
  }
}

/** Milliseconds for which one piece of work may keep the thread. */
const TURN_MS = 10

/** Of a piece of work with many items, to be awaited after each: when its turn is over, other work has its own. */
export function createTurn(): () => Promise<void> | undefined {
  let began = performance.now()
  return () => {
    if (performance.now() - began < TURN_MS) return
    return setImmediate(undefined).then(() => {
      began = performance.now()
    })
  }
}
