import type { Queryable } from '@lettergate/db/pool'
import { noteUse } from './sql/note-use.ts'

const EVERY_MS = 60_000
const IDS_MAX = 5_000

export type UseNotes = {
  note(credentialId: string): void
  /** Writes what is noted. */
  flush(): Promise<void>
  stop(): Promise<void>
}

/** Collects which logins were used, and writes it once a minute: nobody waits for it, and what a lost process had not written is lost. */
export function createUseNotes(deps: { pool: Queryable; onError: (error: unknown) => void }): UseNotes {
  const used = new Set<string>()

  async function flush(): Promise<void> {
    const ids = [...used]
    used.clear()
    if (ids.length > 0) await noteUse(deps.pool, ids).catch(deps.onError)
  }
  const timer = setInterval(() => void flush(), EVERY_MS)
  timer.unref()
  return {
    note(credentialId) {
      if (used.size < IDS_MAX) used.add(credentialId)
    },
    flush,
    async stop() {
      clearInterval(timer)
      await flush()
    },
  }
}
