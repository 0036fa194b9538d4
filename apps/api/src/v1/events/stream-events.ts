import { Readable } from 'node:stream'
import { FeedStreamQuery } from '@lettergate/contracts/feed/requests'
import { type FeedBatch, type FeedFollowing, type FeedReader, presentEvent } from '@lettergate/core/feed'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { whenAnswered } from '../../http/answer-budget.ts'
import { checkKeyAgain } from '../../http/authenticate.ts'
import { clientLeaves } from '../../http/client-leaves.ts'
import { tenantRoute } from '../../http/route.ts'
import { filterOf } from './follow-events.ts'

/** Below the 30 s after which many proxies close a connection on which nothing happens. */
const COMMENT_EVERY_MS = 20_000
/** When a client that lost the stream may come again. */
const RETRY_MS = 2_000
/** Events that are held for a client which has not read those before. */
const PAGE = 20

const Stream = z.string().meta({
  description: 'Server-Sent Events: `data` is a FeedEvent as JSON on one line, `id` the cursor after it.',
})
const LastEventId = z.object({
  'Last-Event-ID': z
    .string()
    .meta({
      description:
        'The `id` of the last event that you have: the stream goes on after it. Used instead of `cursor`.',
    })
    .optional(),
})

/** https://html.spec.whatwg.org/multipage/server-sent-events.html: a block without data moves the id, and is no event. */
const idOnly = (cursor: string) => `: nothing new\nid: ${cursor}\n\n`

type Streamed = {
  deps: ApiDeps
  request: FastifyRequest
  reader: FeedReader
  following: FeedFollowing
  query: FeedStreamQuery
  signal: AbortSignal
}

/** The text of a stream, made as it is read. It ends when the process stops, when the key ends, or when the database is away. */
async function* streamOf(
  { deps, request, reader, following, query, signal }: Streamed,
  first: FeedBatch,
): AsyncGenerator<string> {
  const { feed } = deps
  const options = { limit: PAGE, waitMs: COMMENT_EVERY_MS, signal }
  yield `retry: ${RETRY_MS}\n\n`
  for (let batch = first; ; batch = await following.next(batch.next, filterOf(query), options)) {
    if (signal.aborted) return
    await checkKeyAgain(request, deps.keys)
    for (const [index, event] of batch.events.entries()) {
      const after = batch.afters[index] ?? batch.next
      yield `id: ${feed.cursorOf(reader, after)}\ndata: ${JSON.stringify(presentEvent(event))}\n\n`
    }
    if (batch.events.length === 0) yield idOnly(feed.cursorOf(reader, batch.next))
    if (feed.isReleased()) return
  }
}

/** Ends the text where it fails: the client comes again, from where it was. */
async function* untilFailure(text: AsyncGenerator<string>, onError: (error: unknown) => void) {
  try {
    yield* text
  } catch (error) {
    onError(error)
  }
}

/** Streams what happens, from a cursor on. */
export const streamEventsRoute = tenantRoute('GET', '/v1/events/stream', {
  scope: 'events:read',
  takesLong: true,
  isStream: true,
  operationId: 'streamEvents',
  summary: 'Stream events',
  description:
    'The same events as Server-Sent Events, on one connection. Each has the cursor after it as `id`: a client that connects again with ' +
    '`Last-Event-ID` misses nothing. A comment comes every 20 seconds. The gateway ends the stream when it restarts, when the key ends, ' +
    'and when the client reads nothing for 15 seconds: connect again.',
  query: FeedStreamQuery,
  headers: LastEventId,
  answers: { 200: { description: 'The stream.', content: { 'text/event-stream': { schema: Stream } } } },
  problems: [400, 410, 429],
  handler: async ({ deps, request, reply, tenant, tenantId, query }) => {
    const lastEventId = request.raw.headers['last-event-id']
    const after = typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : query.cursor
    const signal = clientLeaves(reply)
    whenAnswered(reply, deps.places.streams.take(tenantId))
    const following = await deps.feed.follow(tenant)
    whenAnswered(reply, following.leave)
    const window = await following.open(after ?? 'now')
    const first = await following.next(window, filterOf(query), { limit: PAGE, waitMs: 0, signal })
    const text = streamOf({ deps, request, reader: tenant, following, query, signal }, first)
    const onError = (error: unknown) => deps.logger.debug({ err: error }, 'a stream of events ended')
    return (
      reply
        .header('content-type', 'text/event-stream; charset=utf-8')
        .header('cache-control', 'no-store')
        // For nginx, which would collect the events.
        .header('x-accel-buffering', 'no')
        .send(Readable.from(untilFailure(text, onError), { objectMode: false }))
    )
  },
})
