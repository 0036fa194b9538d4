import { setImmediate } from 'node:timers/promises'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { inSlices } from '../lib/index.ts'
import { matches } from './feed-filter.ts'
import { oldestMoment, visibleAt } from './feed-moment.ts'
import { type FeedBatch, type FeedEvent, type FeedReader, loadEvents } from './read-feed.ts'
import {
  type FeedFilter,
  type FeedMoment,
  type FeedPage,
  type FeedRow,
  type FeedWindow,
  readFeedPage,
  windowFrom,
} from './sql/read-feed.ts'

/** A request that has read everything visible at `from`, and waits for more. */
export type FeedWaiter = {
  from: FeedMoment
  filter: FeedFilter
  limit: number
  answer(batch: FeedBatch): void
}

/** Rows of one read for all waiters of a tenant. */
const ROWS_MAX = 200

/** The waiters of one tenant and mode. */
export type FeedGroup = {
  add(waiter: FeedWaiter): void
  remove(waiter: FeedWaiter): void
  /** Answers the waiters for whom there is something, by one read for all of them. */
  look(): Promise<void>
  waiters: ReadonlySet<FeedWaiter>
}

function freshRows(moment: FeedMoment, rows: readonly FeedRow[]): FeedRow[] {
  const isVisible = visibleAt(moment)
  return rows.filter(({ pos }) => !isVisible(pos))
}

/** For each waiter the rows that are news for it. Most waiters have the same moment: that of the read before. */
function newsOfEach(waiters: Iterable<FeedWaiter>, rows: readonly FeedRow[]): Map<FeedWaiter, FeedRow[]> {
  const freshAt = new Map<string, FeedRow[]>()
  const newsOf = new Map<FeedWaiter, FeedRow[]>()
  for (const waiter of waiters) {
    const { snapshot, base } = waiter.from
    const fresh = freshAt.get(`${base} ${snapshot}`) ?? freshRows(waiter.from, rows)
    freshAt.set(`${base} ${snapshot}`, fresh)
    const news = fresh.filter((row) => matches(row, waiter.filter))
    if (news.length > 0) newsOf.set(waiter, news)
  }
  return newsOf
}

/** The answer to a waiter whose rows of the page are `news`: in a window from its own moment to that of the page. */
function batchOf(
  waiter: FeedWaiter,
  page: FeedPage,
  news: readonly FeedRow[],
  options: { isEnd: boolean; eventOf: (row: FeedRow) => FeedEvent | null },
): FeedBatch {
  const windowAt = ({ pos, seq }: FeedRow): FeedWindow => ({
    from: waiter.from,
    to: page.to,
    reached: [pos, seq],
  })
  const shown = news.slice(0, waiter.limit)
  const found = shown.flatMap((row) => {
    const event = options.eventOf(row)
    return event ? [{ event, after: windowAt(row) }] : []
  })
  const isWhole = shown.length === news.length
  const last = isWhole ? page.rows.at(-1) : shown.at(-1)
  const isEnd = isWhole && options.isEnd
  return {
    events: found.map(({ event }) => event),
    afters: found.map(({ after }) => after),
    next: isEnd || !last ? windowFrom(page.to) : windowAt(last),
    hasMore: !isEnd,
  }
}

/**
 * Waiters of a tenant, whatever their filters and cursors, share each read: it begins at the oldest of their moments, and each waiter takes
 * what was not visible at its own.
 */
export function createFeedGroup({ tenants }: { tenants: Tenants }, reader: FeedReader): FeedGroup {
  const waiters = new Set<FeedWaiter>()
  const filter: FeedFilter = { mode: reader.mode, types: null, connectionId: null, messageId: null }

  /** Answers those who find something among these rows; the others wait on. */
  async function answerFrom(page: FeedPage, among: Set<FeedWaiter>, isEnd: boolean): Promise<void> {
    const newsOf = newsOfEach(among, page.rows)
    const wanted = [...new Set([...newsOf.values()].flat())]
    const events = await loadEvents({ tenants }, reader.tenantId, wanted)
    const eventOf = new Map(wanted.map((row, index) => [row, events[index] ?? null]))
    await inSlices(newsOf, ([waiter, news]) => {
      const batch = batchOf(waiter, page, news, { isEnd, eventOf: (row) => eventOf.get(row) ?? null })
      if (batch.events.length === 0) return
      among.delete(waiter)
      if (waiters.delete(waiter)) waiter.answer(batch)
    })
  }

  async function look(): Promise<void> {
    const among = new Set(waiters)
    const [first, ...others] = [...among].map(({ from }) => from)
    if (!first) return
    const db = tenants.forTenant(reader.tenantId)
    let window = windowFrom(oldestMoment([first, ...others]))
    for (;;) {
      const read = await readFeedPage(db, reader.tenantId, filter, window, ROWS_MAX + 1)
      const page = { ...read, rows: read.rows.slice(0, ROWS_MAX) }
      const isEnd = read.rows.length <= ROWS_MAX
      if (page.rows.length > 0) await answerFrom(page, among, isEnd)
      const last = page.rows.at(-1)
      if (isEnd || !last) {
        for (const waiter of among) waiter.from = page.to
        return
      }
      window = { from: window.from, to: page.to, reached: [last.pos, last.seq] }
      await setImmediate()
    }
  }

  return {
    waiters,
    look,
    add: (waiter) => void waiters.add(waiter),
    remove: (waiter) => void waiters.delete(waiter),
  }
}
