/**
 * Resolves with the work, or rejects with a refusal at `until` (of `performance.now()`). The work continues and its result is dropped: the
 * work must have its own limit, and may succeed or fail.
 */
export function answeredBy<T>(until: number, work: Promise<T>, refusal: () => Error): Promise<T> {
  // Runs for every request: `Promise.race` would cost more than the timer.
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(refusal()), Math.max(0, until - performance.now()))
    work.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
