import { ReadMessageQuery } from '@lettergate/contracts/messages/requests'
import { Message } from '@lettergate/contracts/messages/responses'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { StoredMessage } from '@lettergate/core/messages'
import { z } from 'zod'
import { clientLeaves } from '../../http/client-leaves.ts'
import { isKnown, tagOf } from '../../http/etag.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer, nothing } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

const ConditionHeader = z.object({
  'If-None-Match': z
    .string()
    .meta({
      description: 'The `ETag` of your version. If it is still current, the answer is 304.',
    })
    .optional(),
})

/** The answer's text and its tag, which says nothing of `poll_after_seconds`: that changes with time alone. */
function render(message: StoredMessage): { text: string; etag: string } {
  const { poll_after_seconds, ...shown } = presentMessage(message)
  const text = JSON.stringify(shown)
  return {
    text: `${text.slice(0, -1)},"poll_after_seconds":${poll_after_seconds}}`,
    etag: tagOf(text),
  }
}

/** Tells where a message and each of its recipients is, at once or as soon as that changes. */
export const getMessageRoute = tenantRoute('GET', '/v1/messages/:id', {
  scope: 'messages:read',
  takesLong: true,
  operationId: 'getMessage',
  summary: 'Read a message',
  description:
    'The message and the status of each recipient. With `wait`, the answer comes as soon as the status changes.',
  id: 'msg',
  query: ReadMessageQuery,
  headers: ConditionHeader,
  answers: {
    200: answer('The message as it is now.', Message),
    304: nothing('Your version is current.'),
  },
  problems: [429],
  handler: async ({ deps, request, reply, tenant, id, query }) => {
    const condition = request.raw.headers['if-none-match']
    const waitMs = query.wait * 1000
    const message =
      waitMs === 0
        ? await deps.messages.read(tenant, id)
        : await deps.waits.wait(tenant, id, {
            waitMs,
            signal: clientLeaves(reply),
            isKnown: condition === undefined ? undefined : (found) => isKnown(condition, render(found).etag),
          })
    if (!message) throw new Problem('not-found')
    const { text, etag } = render(message)
    reply.header('etag', etag).header('cache-control', 'private, no-cache')
    if (isKnown(condition, etag)) return reply.code(304).send()
    return reply.header('content-type', 'application/json; charset=utf-8').send(text)
  },
})
