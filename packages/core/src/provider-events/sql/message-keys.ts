import { column, rowArray } from '@lettergate/db/composite-rows'

export type MessageKey = { tenantId: string; messageId: string }

export const messageKeyArray = rowArray<MessageKey>('provider_event_message', [
  column('uuid', (key) => key.tenantId),
  column('uuid', (key) => key.messageId),
])
