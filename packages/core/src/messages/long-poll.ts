import type { RecipientStatus } from '@lettergate/contracts/messages/recipient-status'
import type { Listener } from '@lettergate/db/listener'
import type { FeedNews, WaitingPlaces } from '../feed/index.ts'
import type { TimerWheel } from '../lib/index.ts'
import type { MessageReader, Reader, StoredMessage } from './read.ts'
import { Bell, Waiters } from './waiters.ts'

/** Without a known version there is nothing to wait for. */
const FINAL: ReadonlySet<RecipientStatus> = new Set([
  'delivered',
  'failed',
  'bounced',
  'complained',
  'suppressed',
  'cancelled',
])

export type WaitOptions = {
  waitMs: number
  /** Ends the waiting early: the client has left. */
  signal: AbortSignal
  /** Whether the client knows this version of the message already; undefined when it has not said. */
  isKnown?: ((message: StoredMessage) => boolean) | undefined
}

export type MessageWaits = {
  /** The message once it says something new, or as it is when the time is over; null if there is none. */
  wait(reader: Reader, id: string, options: WaitOptions): Promise<StoredMessage | null>
  /** Ends all waiting, now and from now on: everybody gets the message as it is. */
  release(): void
}

function isNews(message: StoredMessage, first: StoredMessage, { isKnown }: WaitOptions): boolean {
  if (message.status !== first.status) return true
  if (isKnown) return !isKnown(message)
  return FINAL.has(message.status)
}

/** LISTENs while it is held by at least one. */
function createEar(listener: Listener, waiters: Waiters): { open(): Promise<unknown>; close(): void } {
  let listening: Promise<() => void> | null = null

  function hear(payload: string): void {
    // Empty after a reconnect: anything may have been missed.
    if (payload === '') waiters.ringAll()
    else for (const id of payload.split(',')) waiters.ring(id)
  }

  return {
    open() {
      listening ??= listener.on('lg_message', hear)
      return listening
    },
    close() {
      if (!waiters.isEmpty) return
      void listening?.then((stop) => stop())
      listening = null
    },
  }
}

/** Long polls for messages. A notification names the message; if it is lost, the news of the feed name the tenant a second later. */
export function createMessageWaits(deps: {
  messages: MessageReader
  listener: Listener
  news: FeedNews
  places: WaitingPlaces
  wheel: TimerWheel
}): MessageWaits {
  const waiters = new Waiters()
  const ear = createEar(deps.listener, waiters)
  let isReleased = false

  async function look(
    reader: Reader,
    id: string,
    bell: Bell,
    options: WaitOptions,
  ): Promise<StoredMessage | null> {
    const deadline = performance.now() + options.waitMs
    // Listening before the first look: a change after it is heard.
    await ear.open()
    const first = await deps.messages.read(reader, id)
    let message = first
    while (first && message && !isNews(message, first, options)) {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0 || options.signal.aborted || isReleased) break
      await bell.next(deps.wheel, leftMs)
      message = await deps.messages.read(reader, id)
    }
    return message
  }

  async function wait(reader: Reader, id: string, options: WaitOptions): Promise<StoredMessage | null> {
    const bell = new Bell()
    const leavePlace = deps.places.take(reader.tenantId)
    options.signal.addEventListener('abort', () => bell.ring())
    waiters.enter(id, bell)
    let leaveNews: (() => void) | null = null
    try {
      leaveNews = await deps.news.watch(reader, (source) => {
        if (source === 'look') bell.ring()
      })
      return await look(reader, id, bell, options)
    } finally {
      leaveNews?.()
      waiters.leave(id, bell)
      leavePlace()
      ear.close()
    }
  }

  return {
    wait: (reader, id, options) =>
      isReleased || options.waitMs === 0 ? deps.messages.read(reader, id) : wait(reader, id, options),
    release() {
      isReleased = true
      waiters.ringAll()
    },
  }
}
