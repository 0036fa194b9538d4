import { ReplayRequest } from '@lettergate/contracts/webhooks/requests'
import { ReplayAnswer } from '@lettergate/contracts/webhooks/responses'
import { replayEvents } from '@lettergate/core/webhooks'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, EndpointPath, problemAnswers } from '../../http/schemas.ts'

/** Sends events to an endpoint once more. */
export function addReplayRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string }; Body: ReplayRequest }>('/v1/endpoints/:id/replay', {
    config: { scope: 'endpoints:write', takesLong: true },
    schema: {
      operationId: 'replayEvents',
      summary: 'Replay events',
      description:
        'Sends events to the endpoint once more, those that its filters let through: one by `seq`, all of a `message` (with `seq` one of them), or all `since` a time; with `only_failed` only those that it never answered with 2xx. `dry_run` only counts. They have the `webhook-id` of the first time. At most 100,000 in one request.',
      tags: ['Endpoints'],
      params: EndpointPath,
      body: ReplayRequest,
      response: {
        200: answer('How many events are sent again.', ReplayAnswer),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<ReplayAnswer> => {
      const { seq, message, since, only_failed, dry_run } = request.body
      const { count, hasMore, until } = await replayEvents(
        deps,
        tenantOf(request),
        pathId('end', request.params.id),
        {
          seq,
          messageId: message === undefined ? undefined : pathId('msg', message),
          since: since === undefined ? undefined : new Date(since),
          onlyFailed: only_failed,
          isDryRun: dry_run,
        },
      )
      return { count, has_more: hasMore, until: until?.toISOString() ?? null }
    },
  })
}
