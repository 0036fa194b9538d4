import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FeedEvent } from '@lettergate/contracts/feed/responses'
import { toPayload } from '@lettergate/contracts/webhooks/payload'
import { signWebhook } from '@lettergate/contracts/webhooks/sign-webhook'

/** Waits before the further attempts: long enough for a program that restarts. */
const WAITS_MS = [1_000, 2_000, 4_000]
/** As the gateway waits for an endpoint. */
const ANSWER_MS = 15_000

export type Forwarded = {
  /** Null: there was no answer. */
  status: number | null
  ms: number
  attempts: number
  /** Why there was no answer. */
  error: string | null
}

/** The same for every attempt. */
function idOf({ message_id, seq }: FeedEvent): string {
  return `evt_${hash('sha256', `${message_id} ${seq}`).slice(0, 26)}`
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (cause instanceof Error && 'code' in cause) return String(cause.code)
  return error.name === 'TimeoutError' ? `no answer in ${ANSWER_MS / 1_000} s` : error.message
}

async function post(
  url: string,
  event: FeedEvent,
  secret: string,
  signal: AbortSignal,
): Promise<Omit<Forwarded, 'attempts'>> {
  const body = JSON.stringify(toPayload(event))
  const startedAt = performance.now()
  const elapsed = () => Math.round(performance.now() - startedAt)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...signWebhook({ id: idOf(event), at: new Date(), body }, [secret]),
      },
      body,
      // As for an endpoint: an answer that leads elsewhere is a failure.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    })
    await response.arrayBuffer()
    return { status: response.status, ms: elapsed(), error: null }
  } catch (error) {
    return { status: null, ms: elapsed(), error: causeOf(error) }
  }
}

/** Posts an event as a callback until the answer is 2xx, a few times at most; null: stopped before that. */
export async function forwardEvent(
  url: string,
  event: FeedEvent,
  { secret, signal }: { secret: string; signal: AbortSignal },
): Promise<Forwarded | null> {
  for (let attempts = 1; ; attempts++) {
    const answer = await post(url, event, secret, signal)
    const isTaken = answer.status !== null && answer.status >= 200 && answer.status < 300
    const waitMs = WAITS_MS[attempts - 1]
    if (isTaken || (waitMs === undefined && !signal.aborted)) return { ...answer, attempts }
    await sleep(waitMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return null
  }
}
