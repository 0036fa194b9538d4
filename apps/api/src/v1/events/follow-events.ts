import { FeedQuery } from '@lettergate/contracts/feed/requests'
import { FeedPage } from '@lettergate/contracts/feed/responses'
import { type FeedBatch, type FeedFilter, type FeedReader, presentEvent } from '@lettergate/core/feed'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { checkKeyAgain, tenantOf } from '../../http/authenticate.ts'
import { clientLeaves } from '../../http/client-leaves.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

export function filterOf({ types, message, connection }: Omit<FeedQuery, 'wait' | 'limit'>): FeedFilter {
  return { types, messageId: message, connectionId: connection }
}

async function readPage(
  { feed, places }: ApiDeps,
  reader: FeedReader,
  query: FeedQuery,
  reply: FastifyReply,
): Promise<FeedBatch> {
  const { limit, cursor = 'now' } = query
  if (query.wait === 0) return feed.read(reader, cursor, filterOf(query), limit)
  const leavePlace = places.polls.take(reader.tenantId)
  try {
    const following = await feed.follow(reader)
    try {
      const waitMs = query.wait * 1_000
      const window = await following.open(cursor)
      return await following.next(window, filterOf(query), { limit, waitMs, signal: clientLeaves(reply) })
    } finally {
      following.leave()
    }
  } finally {
    leavePlace()
  }
}

/** Answers what happened since a cursor, at once or as soon as something happens. */
export function addFollowEventsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Querystring: FeedQuery }>('/v1/events', {
    config: { scope: 'events:read', takesLong: true },
    schema: {
      operationId: 'followEvents',
      summary: 'Follow events',
      description:
        'All events of your account since the cursor, each of them once: none is missed, whatever is stored at the same time. With ' +
        '`wait`, the answer comes as soon as there is an event. A live key reads the events of live messages, a test key those of test ' +
        'messages.',
      tags: ['Events'],
      querystring: FeedQuery,
      response: {
        200: answer('The next events, and the cursor to go on with.', FeedPage),
        ...problemAnswers(400, 401, 403, 410, 422, 429, 503),
      },
    },
    handler: async (request, reply): Promise<FeedPage> => {
      const reader = tenantOf(request)
      const { events, next, hasMore } = await readPage(deps, reader, request.query, reply)
      if (request.query.wait > 0 && events.length > 0) await checkKeyAgain(request, deps.keys)
      reply.header('cache-control', 'no-store')
      return {
        data: events.map(presentEvent),
        next_cursor: deps.feed.cursorOf(reader, next),
        has_more: hasMore,
      }
    },
  })
}
