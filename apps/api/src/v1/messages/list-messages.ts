import { ListMessagesQuery } from '@lettergate/contracts/messages/requests'
import { MessageList } from '@lettergate/contracts/messages/responses'
import { listMessages } from '@lettergate/core/messages'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** Lists the tenant's messages, newest first. */
export const listMessagesRoute = tenantRoute('GET', '/v1/messages', {
  scope: 'messages:read',
  operationId: 'listMessages',
  summary: 'List messages',
  description:
    'Newest first. A message is listed if it passes all filters; `to` and `status` are met by one and the same recipient. A page may be shorter than `limit`, even empty, although ' +
    'more pages follow: read on until `next_cursor` is null.',
  query: ListMessagesQuery,
  answers: { 200: answer('A page of messages.', MessageList) },
  problems: [400],
  handler: async ({ deps, tenant, query }) => {
    const { messages, nextCursor } = await listMessages(deps, tenant, query)
    return { data: messages.map(presentMessage), next_cursor: nextCursor }
  },
})
