/** No work of one tenant may keep the thread from the mail of others for longer. */
const msMax = 50
/** A megabyte of JSON: reading it shows how fast this machine is at the moment. */
const megabyte = JSON.stringify(Array.from({ length: 20_000 }, (_, n) => ({ id: `m${n}`, to: ['a@b.c'], n })))

/** Milliseconds of the processor that the thread uses: neither other programs nor other threads count. */
async function threadMs(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage()
  await work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}

/**
 * Null if the work frees its thread within the bound; otherwise its milliseconds, rounded. Work that seems slow, but not extremely so,
 * is repeated, and the least counts. Others share the caches and the clock of the processor, so work is slow only if it also takes longer than five megabytes of JSON.
 */
export function slowMs(work: () => unknown): Promise<number | null> {
  return slow(() => threadMs(work))
}

/** The same for the longest step of work that lets others have their turn between its steps. */
export function slowStepMs(work: () => Iterable<unknown>): Promise<number | null> {
  return slow(async () => {
    let steps: Iterator<unknown> | undefined
    let [most, isDone] = [0, false]
    while (!isDone) {
      const ms = await threadMs(() => {
        steps ??= work()[Symbol.iterator]()
        isDone = steps.next().done === true
      })
      most = Math.max(most, ms)
    }
    return most
  })
}

async function slow(measure: () => Promise<number>): Promise<number | null> {
  let least = Number.POSITIVE_INFINITY
  for (let time = 0; time < 4; time++) {
    least = Math.min(least, await measure())
    if (least <= msMax || least <= 5 * (await threadMs(() => JSON.parse(megabyte)))) return null
    if (least > 20 * msMax) break
  }
  return Math.round(least)
}
