import type { Queryable } from '@lettergate/db/pool'
import { LRUCache } from 'lru-cache'
import { type KeyUse, recordUses } from './sql/record-uses.ts'

export type UsesResult = 'written' | 'failed' | 'dropped'

export type KeyUses = {
  /** Notes a use; costs a look-up, and nothing waits for it. */
  note(use: Omit<KeyUse, 'atMs'>): void
  start(): void
  /** Writes what was noted; what fails is noted again by the next use. */
  flush(): Promise<void>
  /** Writes once more, and stops. */
  stop(): Promise<void>
}

/** Of one key: a use within this time after one that was noted is not. */
const EVERY_MS = 60_000
const FLUSH_MS = 10_000
/** Noted and not yet written. */
const WAITING_MAX = 10_000
const BATCH = 1_000
const AGENT_CHARS = 200

/** Remembers when keys were used last. A process that dies loses what it noted in ten seconds, and nothing else. */
export function createKeyUses(deps: {
  pool: Queryable
  now: () => number
  onResult: (result: UsesResult, count: number) => void
  onError: (error: unknown) => void
}): KeyUses {
  const noted = new LRUCache<string, number>({ max: 20_000 })
  const waiting = new Map<string, KeyUse>()
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> | null = null

  async function write(): Promise<void> {
    while (waiting.size > 0) {
      const batch = [...waiting.values()].slice(0, BATCH)
      for (const { keyId } of batch) waiting.delete(keyId)
      try {
        await recordUses(deps.pool, batch)
        deps.onResult('written', batch.length)
      } catch (error) {
        for (const { keyId } of batch) noted.delete(keyId)
        deps.onResult('failed', batch.length)
        deps.onError(error)
        return
      }
    }
  }

  function flush(): Promise<void> {
    running ??= write().finally(() => {
      running = null
    })
    return running
  }

  return {
    note(use) {
      const atMs = deps.now()
      const last = noted.get(use.keyId)
      if (last !== undefined && atMs - last < EVERY_MS && atMs >= last) return
      if (waiting.size >= WAITING_MAX) return deps.onResult('dropped', 1)
      noted.set(use.keyId, atMs)
      const agent = use.agent?.replaceAll('\u0000', '').slice(0, AGENT_CHARS) ?? null
      waiting.set(use.keyId, { ...use, agent, atMs })
    },
    start() {
      timer ??= setInterval(() => void flush(), FLUSH_MS).unref()
    },
    flush,
    async stop() {
      if (timer) clearInterval(timer)
      await running
      await flush()
    },
  }
}
