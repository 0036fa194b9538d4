export type Batcher<I, O> = {
  /** Adds one item to the next batch; rejects with `BatcherFull` when too many wait. */
  add(item: I): Promise<O>
  /** Items waiting or running. */
  size(): number
  /** Resolves when everything that was added has been answered. */
  drain(): Promise<void>
}

export type BatcherOptions<I, O> = {
  /**
   * Answers in the order of the items; an `Error` in the list rejects only that item. `answer` is for an item whose result is known while
   * the batch still works on others.
   */
  run(items: I[], answer: (item: I, result: O | Error) => void): Promise<(O | Error)[]>
  itemsMax: number
  /** A batch ends with the item that makes it heavier than this; without it, `itemsMax` alone ends it. */
  weightMax?: number
  weigh?(item: I): number
  /** Batches in progress at the same time; absent: 2, so that one is written while the next one gathers. */
  inFlightMax?: number
  /** Items that may wait; more are refused. Absent: any number, because what makes them is bounded. */
  waitingMax?: number
}

export class BatcherFull extends Error {
  constructor() {
    super('too many items wait for the database')
  }
}

type Waiting<I, O> = { item: I; resolve: (value: O) => void; reject: (error: unknown) => void }

/** While a batch is in progress, a smaller one waits this long for more calls. */
const GATHER_MS = 3

/**
 * Combines concurrent calls into batches. A single call runs immediately; under load, batches grow while earlier ones are in progress, so that
 * calls share a round trip. A further batch starts beside others once it is as large as they are: otherwise batches of 2 alternated with
 * batches of 30, with 8,100 messages accepted a second instead of 10,500.
 */
export function createBatcher<I, O>(options: BatcherOptions<I, O>): Batcher<I, O> {
  const { inFlightMax = 2, waitingMax = Number.POSITIVE_INFINITY } = options
  const waiting: Waiting<I, O>[] = []
  let inFlight = 0
  let running = 0
  let scheduled = false
  let gathering: NodeJS.Timeout | null = null
  const idle: (() => void)[] = []

  function settleOne(entry: Waiting<I, O> | undefined, result: O | Error): void {
    if (result instanceof Error) entry?.reject(result)
    else entry?.resolve(result)
  }

  function settle(batch: Waiting<I, O>[], results: (O | Error)[]): void {
    for (const [index, result] of results.entries()) settleOne(batch[index], result)
    for (const entry of batch.slice(results.length))
      entry.reject(new Error('a batch was not answered in full'))
  }

  const isWorthIt = () => inFlight === 0 || waiting.length * inFlight >= running

  function batchLength(): number {
    const { itemsMax, weigh, weightMax = Number.POSITIVE_INFINITY } = options
    if (!weigh) return itemsMax
    let weight = 0
    const end = waiting.findIndex(({ item }, index) => {
      weight += weigh(item)
      return index + 1 === itemsMax || weight > weightMax
    })
    return end === -1 ? itemsMax : end + 1
  }

  function start(): void {
    const batch = waiting.splice(0, batchLength())
    inFlight++
    running += batch.length
    const answer = (item: I, result: O | Error) =>
      settleOne(
        batch.find((entry) => entry.item === item),
        result,
      )
    void options
      .run(
        batch.map((entry) => entry.item),
        answer,
      )
      .then(
        (results) => settle(batch, results),
        (error: unknown) => {
          for (const entry of batch) entry.reject(error)
        },
      )
      .finally(() => {
        inFlight--
        running -= batch.length
        flush(false)
        if (running === 0 && waiting.length === 0) {
          for (const resolve of idle.splice(0)) resolve()
        }
      })
  }

  function flush(hasGathered: boolean): void {
    while (waiting.length > 0 && inFlight < inFlightMax && (hasGathered || isWorthIt())) start()
    if (waiting.length > 0 && inFlight < inFlightMax) gather()
  }

  function gather(): void {
    if (gathering) return
    gathering = setTimeout(() => {
      gathering = null
      flush(true)
    }, GATHER_MS)
  }

  return {
    add(item) {
      if (waiting.length >= waitingMax) return Promise.reject(new BatcherFull())
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject })
        if (scheduled || inFlight >= inFlightMax) return
        if (!isWorthIt()) return gather()
        scheduled = true
        // After the sockets of this turn have been read: their requests share the batch.
        setImmediate(() => {
          scheduled = false
          flush(false)
        })
      })
    },
    size: () => waiting.length + running,
    drain() {
      if (running === 0 && waiting.length === 0) return Promise.resolve()
      return new Promise((resolve) => idle.push(resolve))
    },
  }
}
