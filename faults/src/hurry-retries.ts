import { setTimeout as sleep } from 'node:timers/promises'
import type { Queryable } from '@lettergate/db/pool'

const EVERY_MS = 200
/** A connection pauses at the first refusal: what is to be refused once each must be let through again and again. */
const OFTEN_MS = 25

/** Makes every retry due now, since their delays are minutes and hours; answers how many. */
export async function hurryRetries(db: Queryable): Promise<number> {
  const { rowCount } = await db.query({
    text: "update outbox set due_at = now() where state = 'waiting' and due_at > now()",
  })
  return rowCount ?? 0
}

/** Makes messages due that wait only for their own time, while the deed runs: messages that wait for their connection continue to wait. */
export async function hurryOwnWaitsDuring<T>(db: Queryable, deed: Promise<T>): Promise<T> {
  const text =
    "update outbox set due_at = now() where state = 'waiting' and wait_why is null and due_at > now()"
  return during(() => db.query({ text }), deed)
}

/** Makes every retry due while the deed runs. */
export async function hurryDuring<T>(db: Queryable, deed: Promise<T>): Promise<T> {
  return during(async () => {
    await hurryRetries(db)
    await hurryThrottle(db)
  }, deed)
}

/** Lets every pause and every open circuit be over, for tests of what single mails do. */
export async function hurryThrottle(db: Queryable): Promise<void> {
  await db.query({
    text: `update connection_health set state = 'closed', opened = 0, retry_at = null, probe_until = null, paused_until = null,
             concurrency = 100, halved_at = now()
           where state <> 'closed' or paused_until > now() or concurrency < 50`,
  })
  await db.query({ text: "select pg_notify('lg_connection', '')" })
  await db.query({
    text: "update outbox set due_at = now() where state = 'waiting' and wait_why is not null and due_at > now()",
  })
}

/** Does so while the deed runs. */
export async function hurryThrottleDuring<T>(db: Queryable, deed: Promise<T>): Promise<T> {
  return during(() => hurryThrottle(db), deed, OFTEN_MS)
}

async function during<T>(hurry: () => Promise<unknown>, deed: Promise<T>, everyMs = EVERY_MS): Promise<T> {
  const done = new AbortController()
  const hurrying = (async () => {
    while (!done.signal.aborted) {
      await hurry()
      await sleep(everyMs)
    }
  })()
  try {
    return await deed
  } finally {
    done.abort()
    await hurrying
  }
}
