import { Problem } from '@lettergate/contracts/problems'
import type { RecipientStatus } from '@lettergate/contracts/recipient-status'
import type { Listener } from '@lettergate/db/listener'
import type { MessageReader, Reader, StoredMessage } from './read-messages.ts'

/** Requests that wait in one process: each holds a socket. */
const WAITING_MAX = 2_000
const WAITING_PER_TENANT_MAX = 200
/** Notifications are hints: a lost one costs no more than this. */
const LOOK_AGAIN_MS = 5_000

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
  /** Ends all waiting at once, now and from now on: everybody gets the message as it is. */
  release(): void
}

type Waiter = { wake: () => void }

function isNews(message: StoredMessage, first: StoredMessage, { isKnown }: WaitOptions): boolean {
  if (message.status !== first.status) return true
  if (isKnown) return !isKnown(message)
  return FINAL.has(message.status)
}

/** Long polls for messages; LISTENs only while somebody waits. */
export function createMessageWaits(deps: { messages: MessageReader; listener: Listener }): MessageWaits {
  const waiters = new Map<string, Set<Waiter>>()
  const perTenant = new Map<string, number>()
  let count = 0
  let isReleased = false
  let listening: Promise<() => void> | null = null

  function wakeAll(): void {
    for (const set of waiters.values()) for (const waiter of set) waiter.wake()
  }

  function onNotification(payload: string): void {
    // Empty after a reconnect: anything may have been missed.
    if (payload === '') wakeAll()
    else for (const id of payload.split(',')) for (const waiter of waiters.get(id) ?? []) waiter.wake()
  }

  function enter(tenantId: string, id: string, waiter: Waiter): void {
    const ofTenant = perTenant.get(tenantId) ?? 0
    const headers = { 'retry-after': '1' }
    if (count >= WAITING_MAX)
      throw new Problem('overloaded', { detail: 'Too many requests wait already.', headers })
    if (ofTenant >= WAITING_PER_TENANT_MAX) {
      throw new Problem('rate-limited', {
        detail: `At most ${WAITING_PER_TENANT_MAX} requests may wait at once.`,
        headers,
      })
    }
    count++
    perTenant.set(tenantId, ofTenant + 1)
    const set = waiters.get(id) ?? new Set()
    waiters.set(id, set.add(waiter))
    listening ??= deps.listener.on('lg_message', onNotification)
  }

  function leave(tenantId: string, id: string, waiter: Waiter): void {
    count--
    const ofTenant = (perTenant.get(tenantId) ?? 1) - 1
    if (ofTenant > 0) perTenant.set(tenantId, ofTenant)
    else perTenant.delete(tenantId)
    const set = waiters.get(id)
    set?.delete(waiter)
    if (set?.size === 0) waiters.delete(id)
    if (count > 0) return
    void listening?.then((stop) => stop())
    listening = null
  }

  /** Resolves at the next hint, or after `ms`. What was hinted at since the last call counts too. */
  function createBell(signal: AbortSignal): Waiter & { next(ms: number): Promise<void> } {
    let isRung = false
    let ring: (() => void) | null = null
    const wake = () => {
      isRung = true
      ring?.()
    }
    signal.addEventListener('abort', wake)
    return {
      wake,
      async next(ms) {
        if (!isRung) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, ms)
            ring = () => {
              clearTimeout(timer)
              resolve()
            }
          })
        }
        ring = null
        isRung = false
      },
    }
  }

  async function look(reader: Reader, id: string, options: WaitOptions): Promise<StoredMessage | null> {
    const bell = createBell(options.signal)
    const deadline = performance.now() + options.waitMs
    enter(reader.tenantId, id, bell)
    try {
      // Listening before the first look: what changes after it is heard.
      await listening
      const first = await deps.messages.read(reader, id)
      let message = first
      while (first && message && !isNews(message, first, options)) {
        const leftMs = deadline - performance.now()
        if (leftMs <= 0 || options.signal.aborted || isReleased) break
        await bell.next(Math.min(leftMs, LOOK_AGAIN_MS))
        message = await deps.messages.read(reader, id)
      }
      return message
    } finally {
      leave(reader.tenantId, id, bell)
    }
  }

  return {
    wait: (reader, id, options) =>
      isReleased || options.waitMs === 0 ? deps.messages.read(reader, id) : look(reader, id, options),
    release() {
      isReleased = true
      wakeAll()
    },
  }
}
