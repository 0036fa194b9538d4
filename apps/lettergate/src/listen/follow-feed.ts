import { setTimeout as sleep } from 'node:timers/promises'
import { FeedPage } from '@lettergate/contracts/feed/responses'
import { z } from 'zod'
import { CliError } from '../cli-error.ts'

/** Below the 30 s after which many proxies end a request. */
const WAIT_SECONDS = 25
/** Longer than the api may take to answer. */
const ANSWER_MS = 45_000
const RETRY_MS = 1_000

const Refusal = z.object({ detail: z.string() })

export type Feed = { apiUrl: string; key: string; types?: string | undefined }

/** Statuses that a repeat may change: too many requests, and errors of the gateway or of something before it. */
const isTemporary = (status: number) => status === 429 || status >= 500

async function describeRefusal(response: Response): Promise<string> {
  const refusal = Refusal.safeParse(await response.json().catch(() => null))
  return refusal.success ? refusal.data.detail : `it answers ${response.status}`
}

async function ask(feed: Feed, query: Record<string, string>, signal: AbortSignal): Promise<Response> {
  const given = { ...query, ...(feed.types !== undefined && { types: feed.types }) }
  return await fetch(`${feed.apiUrl}/v1/events?${new URLSearchParams(given)}`, {
    headers: { authorization: `Bearer ${feed.key}` },
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  })
}

type FollowOptions = {
  signal: AbortSignal
  /** Called when what keeps the gateway from answering begins or changes, and with null once it answers again. */
  onTrouble(text: string | null): void
}

/** A page of events; null when the gateway could not answer and should be asked again. */
async function readPage(
  feed: Feed,
  query: Record<string, string>,
  options: FollowOptions,
): Promise<FeedPage | null> {
  let response: Response
  try {
    response = await ask(feed, query, options.signal)
    if (response.ok) return FeedPage.parse(await response.json())
  } catch (error) {
    if (options.signal.aborted) return null
    if (error instanceof z.ZodError) throw new CliError(`${feed.apiUrl} is not a gateway of this version`)
    options.onTrouble(`${feed.apiUrl} cannot be reached`)
    return null
  }
  const detail = await describeRefusal(response)
  if (!isTemporary(response.status)) throw new CliError(`the gateway refused to show events: ${detail}`)
  options.onTrouble(detail)
  return null
}

/** The pages of a tenant's feed from now on, by long poll. A page is asked for when the one before was dealt with. */
export async function* followFeed(feed: Feed, options: FollowOptions): AsyncGenerator<FeedPage> {
  let cursor: string | null = null
  let trouble: string | null = null
  const onTrouble = (text: string | null) => {
    if (text !== trouble) options.onTrouble(text)
    trouble = text
  }
  while (!options.signal.aborted) {
    // After trouble the first answer comes at once: it shows that the gateway is back.
    const wait = trouble === null ? WAIT_SECONDS : 0
    const query: Record<string, string> = cursor === null ? {} : { cursor, wait: String(wait) }
    const page = await readPage(feed, query, { ...options, onTrouble })
    if (page) {
      onTrouble(null)
      yield page
      cursor = page.next_cursor
    } else {
      await sleep(RETRY_MS, undefined, { signal: options.signal }).catch(() => undefined)
    }
  }
}
