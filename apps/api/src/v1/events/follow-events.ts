import { FeedQuery } from '@lettergate/contracts/feed/requests'
import { FeedPage } from '@lettergate/contracts/feed/responses'
import { type FeedBatch, type FeedFilter, type FeedReader, presentEvent } from '@lettergate/core/feed'
import type { FastifyReply } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { checkKeyAgain } from '../../http/authenticate.ts'
import { clientLeaves } from '../../http/client-leaves.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

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
export const followEventsRoute = tenantRoute('GET', '/v1/events', {
  scope: 'events:read',
  takesLong: true,
  operationId: 'followEvents',
  summary: 'Follow events',
  description:
    'All events of your account since the cursor, each of them once: none is missed, whatever is stored at the same time. With ' +
    '`wait`, the answer comes as soon as there is an event. A live key reads the events of live messages, a test key those of test ' +
    'messages.',
  query: FeedQuery,
  answers: { 200: answer('The next events, and the cursor to go on with.', FeedPage) },
  problems: [400, 410, 429],
  handler: async ({ deps, request, reply, tenant, query }) => {
    const { events, next, hasMore } = await readPage(deps, tenant, query, reply)
    if (query.wait > 0 && events.length > 0) await checkKeyAgain(request, deps.keys)
    reply.header('cache-control', 'no-store')
    return {
      data: events.map(presentEvent),
      next_cursor: deps.feed.cursorOf(tenant, next),
      has_more: hasMore,
    }
  },
})
