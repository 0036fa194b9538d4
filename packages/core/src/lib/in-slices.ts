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
