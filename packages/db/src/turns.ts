/** Work for one key waits for the work before it, and is refused when that has taken too long. */
export function createTurns(waitMsMax: number): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return (key, work) => {
    const givenUpAt = performance.now() + waitMsMax
    const begin = () => {
      if (performance.now() > givenUpAt)
        throw new Error('too much is being done for this tenant at the same time')
      return work()
    }
    const mine = (last.get(key) ?? Promise.resolve()).then(begin)
    const ended = mine
      .catch(() => undefined)
      .then(() => {
        if (last.get(key) === ended) last.delete(key)
      })
    last.set(key, ended)
    return mine
  }
}
