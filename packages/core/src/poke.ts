import type { Queryable } from '@lettergate/db/pool'

/** At most this often; a claim takes longer than that anyway. */
const INTERVAL_MS = 5

export type Poke = () => void

/**
 * Tells the workers that there is new work: a hint after the commit, never awaited. Apart from the accept transaction,
 * because NOTIFY takes a lock that would make all commits of the database queue up behind each other.
 */
export function createPoke(db: Queryable, onError: (error: Error) => void): Poke {
  let last = 0
  let timer: NodeJS.Timeout | null = null

  function send(): void {
    timer = null
    last = performance.now()
    db.query({ name: 'poke', text: `select pg_notify('lg_outbox', '')` }).catch(onError)
  }

  return () => {
    if (timer) return
    const wait = last + INTERVAL_MS - performance.now()
    if (wait <= 0) send()
    else timer = setTimeout(send, wait).unref()
  }
}
