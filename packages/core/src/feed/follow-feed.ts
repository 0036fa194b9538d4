import type { Tenants } from '@lettergate/db/tenant-scope'
import { type CursorKey, inSlices, type TimerWheel } from '../lib/index.ts'
import { writeFeedCursor } from './feed-cursor.ts'
import { type FeedFilter, filterValues } from './feed-filter.ts'
import { createFeedGroup, type FeedGroup, type FeedWaiter } from './feed-group.ts'
import type { FeedNews } from './feed-news.ts'
import { createLookQueue } from './look-queue.ts'
import { type FeedBatch, type FeedReader, openWindow, readFeedFrom } from './read-feed.ts'
import { type FeedWindow, windowFrom } from './sql/read-feed.ts'

/** Reads for waiters, of the connections that all work of tenants shares. */
const LOOKS = { looksMax: 3, restMs: 50, restAfterFailureMs: 1_000 }
/** Reads of one request, each of a bounded number of events, until it finds some or is at the end. */
const READS_MAX = 4

export type FollowOptions = {
  limit: number
  /** 0: what there is now. */
  waitMs: number
  /** Ends the waiting early: the client has left. */
  signal: AbortSignal
}

/** A reader that follows its feed; between two calls of `next` it misses nothing that is announced. */
export type FeedFollowing = {
  /** Where it starts: 'beginning', 'now' or a cursor. */
  open(after: string): Promise<FeedWindow>
  /** What there is in the window; if there is nothing yet, as soon as there is something, or nothing when the time is over. */
  next(window: FeedWindow, filter: FeedFilter, options: FollowOptions): Promise<FeedBatch>
  leave(): void
}

export type FeedFollower = {
  follow(reader: FeedReader): Promise<FeedFollowing>
  /** What there is now, for a reader that does not wait. */
  read(reader: FeedReader, after: string, filter: FeedFilter, limit: number): Promise<FeedBatch>
  cursorOf(reader: FeedReader, window: FeedWindow): string
  /** Ends all waiting, now and from now on. */
  release(): void
  isReleased(): boolean
}

/** Where the followers of one tenant and mode meet. */
type Place = {
  reader: FeedReader
  group: FeedGroup
  followers: number
  /** How often there may have been news. */
  rings: number
  watching: Promise<() => void>
  /** Reads under way, with the rings of when they began. */
  reads: Map<string, { rings: number; batch: Promise<FeedBatch> }>
}

/** Follows feeds for any number of requests: those of a tenant share reads, and only read when there may be news for the tenant. */
export function createFeedFollower(deps: {
  tenants: Tenants
  cursorKey: CursorKey
  keptDays: number
  news: FeedNews
  wheel: TimerWheel
  onError(error: unknown): void
}): FeedFollower {
  const places = new Map<string, Place>()
  const looks = createLookQueue({ ...LOOKS, onError: deps.onError })
  let isReleased = false

  function ring(place: Place): void {
    place.rings++
    if (place.group.waiters.size > 0) looks.add(place.group)
  }

  function openPlace(reader: FeedReader): Place {
    const place: Place = {
      reader,
      group: createFeedGroup(deps, reader),
      followers: 0,
      rings: 0,
      watching: deps.news.watch(reader, () => ring(place)),
      reads: new Map(),
    }
    return place
  }

  function leave(place: Place): void {
    place.followers--
    const key = keyOf(place.reader)
    if (place.followers > 0) return
    if (places.get(key) === place) places.delete(key)
    place.watching.then(
      (stop) => stop(),
      () => undefined,
    )
  }

  async function enter(reader: FeedReader): Promise<Place> {
    const key = keyOf(reader)
    const place = places.get(key) ?? openPlace(reader)
    places.set(key, place)
    place.followers++
    try {
      await place.watching
      return place
    } catch (error) {
      // The next one tries anew.
      if (places.get(key) === place) places.delete(key)
      leave(place)
      throw error
    }
  }

  async function readOn(
    reader: FeedReader,
    window: FeedWindow,
    filter: FeedFilter,
    limit: number,
  ): Promise<FeedBatch> {
    let batch = await readFeedFrom(deps, reader, window, filter, limit)
    for (let reads = 1; batch.events.length === 0 && batch.hasMore && reads < READS_MAX; reads++) {
      batch = await readFeedFrom(deps, reader, batch.next, filter, limit)
    }
    return batch
  }

  /** After a burst, the waiters that it woke come back with the same cursor: they share one read. */
  function readTogether(place: Place, window: FeedWindow, filter: FeedFilter, limit: number) {
    const key = JSON.stringify([window, filter, limit])
    const read = place.reads.get(key) ?? {
      rings: place.rings,
      batch: readOn(place.reader, window, filter, limit).finally(() => place.reads.delete(key)),
    }
    place.reads.set(key, read)
    return read
  }

  function park(place: Place, window: FeedWindow, filter: FeedFilter, options: FollowOptions) {
    return new Promise<FeedBatch>((resolve) => {
      const end = () => waiter.answer(nothingIn(windowFrom(waiter.from)))
      const cancel = deps.wheel.after(options.waitMs, end)
      const waiter: FeedWaiter = {
        from: window.from,
        filter: filterValues(filter, place.reader.mode),
        limit: options.limit,
        answer(batch) {
          place.group.remove(waiter)
          cancel()
          options.signal.removeEventListener('abort', end)
          resolve(batch)
        },
      }
      place.group.add(waiter)
      options.signal.addEventListener('abort', end)
    })
  }

  function following(place: Place): FeedFollowing {
    /** Read to its end when there had been so many rings. */
    let known: { window: FeedWindow; rings: number } | null = null

    async function open(after: string): Promise<FeedWindow> {
      const { rings } = place
      const window = await openWindow(deps, place.reader, after)
      // Up to now there is nothing to read.
      if (after === 'now') known = { window, rings }
      return window
    }

    async function next(window: FeedWindow, filter: FeedFilter, options: FollowOptions): Promise<FeedBatch> {
      const startedAt = performance.now()
      if (known?.window !== window) {
        known = null
        const { rings, batch: reading } = readTogether(place, window, filter, options.limit)
        const batch = await reading
        if (batch.events.length > 0 || batch.hasMore) return batch
        known = { window: batch.next, rings }
      }
      const waitMs = options.waitMs - (performance.now() - startedAt)
      if (waitMs <= 0 || options.signal.aborted || isReleased) {
        return nothingIn(known.window)
      }
      const before = known.rings
      const { rings } = place
      const parked = park(place, known.window, filter, { ...options, waitMs })
      if (rings !== before) looks.add(place.group)
      const batch = await parked
      // What rang meanwhile may not have reached it.
      known = batch.hasMore ? null : { window: batch.next, rings }
      return batch
    }

    return { open, next, leave: () => leave(place) }
  }

  async function release(): Promise<void> {
    isReleased = true
    const waiters = [...places.values()].flatMap(({ group }) => [...group.waiters])
    await inSlices(waiters, (waiter) => waiter.answer(nothingIn(windowFrom(waiter.from))))
  }

  return {
    follow: async (reader) => following(await enter(reader)),
    async read(reader, after, filter, limit) {
      const window = await openWindow(deps, reader, after)
      return after === 'now' ? nothingIn(window) : await readOn(reader, window, filter, limit)
    },
    cursorOf: (reader, window) => writeFeedCursor(deps.cursorKey, reader, window),
    release: () => void release(),
    isReleased: () => isReleased,
  }
}

function nothingIn(window: FeedWindow): FeedBatch {
  return { events: [], afters: [], next: window, hasMore: false }
}

function keyOf({ tenantId, mode }: FeedReader): string {
  return `${tenantId} ${mode}`
}
