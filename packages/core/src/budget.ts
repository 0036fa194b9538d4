/** Bytes that may be held at once. The first of the queue waits until there is room; order is kept, so nobody starves. */
export type Budget = {
  take(bytes: number): Promise<() => void>
}

/** One item larger than the whole budget is let in alone. */
export function createBudget(maxBytes: number): Budget {
  let used = 0
  const queue: { bytes: number; resolve(release: () => void): void }[] = []

  const fits = (bytes: number) => used === 0 || used + bytes <= maxBytes

  function grant(bytes: number): () => void {
    used += bytes
    let released = false
    return () => {
      if (released) return
      released = true
      used -= bytes
      for (let next = queue[0]; next && fits(next.bytes); next = queue[0]) {
        queue.shift()
        next.resolve(grant(next.bytes))
      }
    }
  }

  return {
    take(bytes) {
      if (queue.length === 0 && fits(bytes)) return Promise.resolve(grant(bytes))
      return new Promise((resolve) => queue.push({ bytes, resolve }))
    },
  }
}
