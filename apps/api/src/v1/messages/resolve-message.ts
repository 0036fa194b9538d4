import { ResolveRequest } from '@lettergate/contracts/messages/requests'
import { Message } from '@lettergate/contracts/messages/responses'
import { resolveMessage } from '@lettergate/core/messages'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** A person says what became of a recipient whose outcome is unknown. */
export const resolveMessageRoute = tenantRoute('POST', '/v1/messages/:id/resolve', {
  scope: 'messages:write',
  operationId: 'resolveMessage',
  summary: 'Resolve an unknown outcome',
  description:
    'Says what became of a recipient that is `unknown`, for instance after a look into the log of the provider. Nothing is sent. ' +
    'After `not_sent`, `POST /v1/messages/{id}/retry` sends it again. An event of the provider that comes later still counts: ' +
    'one that says `delivered` changes a recipient that is `failed`. A recipient that is not `unknown` gets 409.',
  id: 'msg',
  body: ResolveRequest,
  answers: { 200: answer('The message with the new status.', Message) },
  problems: [409],
  handler: async ({ deps, tenant, id, body }) => presentMessage(await resolveMessage(deps, tenant, id, body)),
})
