/**
 * What the work comes to, or else a refusal at `until` of `performance.now()`. The work is not stopped, and nobody hears how it ends:
 * it must be bounded by itself, and may end either way.
 */
export function answeredBy<T>(until: number, work: Promise<T>, refusal: () => Error): Promise<T> {
  // By hand: on the way of every request, `Promise.race` would cost more than the timer.
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
