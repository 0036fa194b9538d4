import { setTimeout as sleep } from 'node:timers/promises'
import type { Queryable } from '@lettergate/db/pool'

const EVERY_MS = 200

/** Makes every retry due now, since their delays are minutes and hours; answers how many. */
export async function hurryRetries(db: Queryable): Promise<number> {
  const { rowCount } = await db.query({
    text: "update outbox set due_at = now() where state = 'waiting' and due_at > now()",
  })
  return rowCount ?? 0
}

/** Hurries every retry for as long as the deed takes. */
export async function hurryDuring<T>(db: Queryable, deed: Promise<T>): Promise<T> {
  const done = new AbortController()
  const hurrying = (async () => {
    while (!done.signal.aborted) {
      await hurryRetries(db)
      await sleep(EVERY_MS)
    }
  })()
  try {
    return await deed
  } finally {
    done.abort()
    await hurrying
  }
}
