import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addCancelBulkRoute } from './cancel-bulk.ts'
import { addCancelMessageRoute } from './cancel-message.ts'
import { addExplainMessageRoute } from './explain-message.ts'
import { addGetBulkRoute } from './get-bulk.ts'
import { addGetMessageRoute } from './get-message.ts'
import { addHoldMessageRoute } from './hold-message.ts'
import { addListAttemptsRoute } from './list-attempts.ts'
import { addListEventsRoute } from './list-events.ts'
import { addListMessagesRoute } from './list-messages.ts'
import { addReadRawRoute } from './read-raw.ts'
import { addReadStatusesRoute } from './read-statuses.ts'
import { addReleaseMessageRoute } from './release-message.ts'
import { addResolveMessageRoute } from './resolve-message.ts'
import { addRetryMessageRoute } from './retry-message.ts'
import { addSendBatchRoute } from './send-batch.ts'
import { addSendMessageRoute } from './send-message.ts'
import { addStartBulkRoute } from './start-bulk.ts'

/** 25 MB of attachments as base64, two bodies of 5 MB at their longest in JSON, and the rest. */
const SEND_BYTES_MAX = 48 * 1024 * 1024
/** A thousand ids. */
const READ_BYTES_MAX = 128 * 1024

export function addMessageRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.register(async (scope) => {
    addJsonBody(scope, { ...deps, bytesMax: SEND_BYTES_MAX })
    addSendMessageRoute(scope, deps)
    addSendBatchRoute(scope, deps)
  })
  app.register(async (scope) => {
    addJsonBody(scope, { ...deps, bytesMax: READ_BYTES_MAX })
    addGetMessageRoute(scope, deps)
    addListMessagesRoute(scope, deps)
    addReadStatusesRoute(scope, deps)
    addListEventsRoute(scope, deps)
    addListAttemptsRoute(scope, deps)
    addExplainMessageRoute(scope, deps)
    addReadRawRoute(scope, deps)
    addCancelMessageRoute(scope, deps)
    addRetryMessageRoute(scope, deps)
    addResolveMessageRoute(scope, deps)
    addHoldMessageRoute(scope, deps)
    addReleaseMessageRoute(scope, deps)
    addStartBulkRoute(scope, deps)
    addGetBulkRoute(scope, deps)
    addCancelBulkRoute(scope, deps)
  })
}
