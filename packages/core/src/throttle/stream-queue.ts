import { BULK_TURN } from '../dispatch/index.ts'

/** A queue of waiters of one tenant: transactional first, each stream in order of arrival. */
export type StreamQueue<T> = {
  push(item: T): void
  /** Takes the next one; every eighth turn is bulk's, so that it never starves. */
  shift(): T | undefined
  remove(item: T): void
  /** Waiters ahead of a new one of this stream, not counting the turns of bulk. */
  before(isBulk: boolean): number
  hasTransactional(): boolean
  readonly length: number
}

export function createStreamQueue<T extends { isBulk: boolean }>(): StreamQueue<T> {
  const transactional: T[] = []
  const bulk: T[] = []
  let turns = 0
  const listOf = (isBulk: boolean) => (isBulk ? bulk : transactional)

  return {
    push: (item) => void listOf(item.isBulk).push(item),
    shift() {
      if (bulk.length === 0 || transactional.length === 0) return transactional.shift() ?? bulk.shift()
      turns = (turns + 1) % BULK_TURN
      return listOf(turns === 0).shift()
    },
    remove(item) {
      const list = listOf(item.isBulk)
      const index = list.indexOf(item)
      if (index >= 0) list.splice(index, 1)
    },
    before: (isBulk) => transactional.length + (isBulk ? bulk.length : 0),
    hasTransactional: () => transactional.length > 0,
    get length() {
      return transactional.length + bulk.length
    },
  }
}
