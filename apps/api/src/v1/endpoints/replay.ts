import { ReplayRequest } from '@lettergate/contracts/webhooks/requests'
import { ReplayAnswer } from '@lettergate/contracts/webhooks/responses'
import { replayEvents } from '@lettergate/core/webhooks'
import { pathId } from '../../http/path-id.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Sends events to an endpoint once more. */
export const replayRoute = tenantRoute('POST', '/v1/endpoints/:id/replay', {
  scope: 'endpoints:write',
  takesLong: true,
  operationId: 'replayEvents',
  summary: 'Replay events',
  description:
    'Sends events to the endpoint once more, those that its filters let through: one by `seq`, all of a `message` (with `seq` one of them), or all `since` a time; with `only_failed` only those that it never answered with 2xx. `dry_run` only counts. They have the `webhook-id` of the first time. At most 100,000 in one request.',
  id: 'end',
  body: ReplayRequest,
  answers: { 200: answer('How many events are sent again.', ReplayAnswer) },
  handler: async ({ deps, tenant, id, body }) => {
    const { seq, message, since, only_failed, dry_run } = body
    const { count, hasMore, until } = await replayEvents(deps, tenant, id, {
      seq,
      messageId: message === undefined ? undefined : pathId('msg', message),
      since: since === undefined ? undefined : new Date(since),
      onlyFailed: only_failed,
      isDryRun: dry_run,
    })
    return { count, has_more: hasMore, until: until?.toISOString() ?? null }
  },
})
