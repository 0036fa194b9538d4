import type { Listener } from '@lettergate/db/listener'
import type { Pool } from '@lettergate/db/pool'
import { fromStorage } from '../lib/index.ts'
import { type FeedOwner, listNews } from './sql/list-news.ts'
import { type FeedMoment, readFeedMoment } from './sql/read-feed.ts'

/** How far a reader may be behind when a notification is lost. */
const LOOK_EVERY_MS = 1_000
/** Channels whose payloads name tenants: acceptances and retries at once, and all other events. */
const CHANNELS = ['lg_outbox', 'lg_feed'] as const
/** Tenants of one statement. */
const OWNERS_MAX = 1_000

export type NewsSource = 'notification' | 'look'

export type FeedNews = {
  /** Calls `hear` when there may be news for the tenant, until the answer is called. What is committed after it resolves is heard of. */
  watch(owner: FeedOwner, hear: (source: NewsSource) => void): Promise<() => void>
  close(): void
}

type Hear = (source: NewsSource) => void

/** Of a tenant and a mode. */
const keyOf = ({ tenantId, mode }: FeedOwner) => `${tenantId} ${mode}`

/**
 * Tells which tenants have news, at a cost that does not depend on how many wait: one connection LISTENs for all of them, and since a
 * notification may be lost, one statement a second asks for all of them.
 */
export function createFeedNews(deps: {
  pool: Pool
  listener: Listener
  onLook?: (result: 'news' | 'none' | 'failed') => void
  onError(error: unknown): void
}): FeedNews {
  const watched = new Map<string, { owner: FeedOwner; hears: Set<Hear> }>()
  let since: FeedMoment | null = null
  let timer: NodeJS.Timeout | null = null
  let opening: Promise<void> | null = null
  let stops: (() => void)[] = []
  let looking: Promise<void> | null = null

  function ring(owner: FeedOwner, source: NewsSource): void {
    for (const hear of watched.get(keyOf(owner))?.hears ?? []) hear(source)
  }

  function hearNotification(payload: string): void {
    // Empty: it says nothing of whom it is about, or came after a reconnect.
    if (payload === '') {
      void lookOnce()
      return
    }
    for (const tenantId of payload.split(',')) {
      for (const mode of ['live', 'test']) ring({ tenantId, mode }, 'notification')
    }
  }

  async function look(): Promise<void> {
    const from = since
    if (!from) return
    const owners = [...watched.values()].map(({ owner }) => owner)
    let first: FeedMoment | null = null
    let count = 0
    for (let at = 0; at < owners.length; at += OWNERS_MAX) {
      const news = await listNews(deps.pool, owners.slice(at, at + OWNERS_MAX), from)
      first ??= news.now
      count += news.owners.length
      for (const owner of news.owners) ring(owner, 'look')
    }
    if (first) since = first
    deps.onLook?.(count > 0 ? 'news' : 'none')
  }

  /** One at a time: the look that is under way may have begun before what the caller has in mind, and the next follows within a second. */
  function lookOnce(): Promise<void> {
    looking ??= look()
      .catch((error: unknown) => {
        deps.onLook?.('failed')
        deps.onError(error)
      })
      .finally(() => {
        looking = null
      })
    return looking
  }

  function schedule(): void {
    timer = setTimeout(() => {
      const isNeeded = watched.size > 0
      void (isNeeded ? lookOnce() : Promise.resolve()).then(() => {
        if (timer) schedule()
      })
    }, LOOK_EVERY_MS)
    timer.unref()
  }

  /** The moment first: what is committed between it and LISTEN is found by a look. */
  async function open(): Promise<void> {
    since = await fromStorage(readFeedMoment(deps.pool))
    schedule()
    stops = await Promise.all(CHANNELS.map((channel) => deps.listener.on(channel, hearNotification)))
  }

  return {
    async watch(owner, hear) {
      const key = keyOf(owner)
      const entry = watched.get(key) ?? { owner, hears: new Set() }
      watched.set(key, entry)
      entry.hears.add(hear)
      const leave = () => {
        entry.hears.delete(hear)
        if (entry.hears.size === 0 && watched.get(key) === entry) watched.delete(key)
      }
      // Once for the life of the process: clients that wait come again and again.
      opening ??= open()
      try {
        await opening
      } catch (error) {
        leave()
        opening = null
        throw error
      }
      return leave
    },
    close() {
      if (timer) clearTimeout(timer)
      timer = null
      for (const stop of stops) stop()
    },
  }
}
