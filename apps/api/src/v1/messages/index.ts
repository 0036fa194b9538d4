import type { RouteGroup } from '../../http/add-routes.ts'
import { cancelBulkRoute } from './cancel-bulk.ts'
import { cancelMessageRoute } from './cancel-message.ts'
import { explainMessageRoute } from './explain-message.ts'
import { getBulkRoute } from './get-bulk.ts'
import { getMessageRoute } from './get-message.ts'
import { holdMessageRoute } from './hold-message.ts'
import { listAttemptsRoute } from './list-attempts.ts'
import { listEventsRoute } from './list-events.ts'
import { listMessagesRoute } from './list-messages.ts'
import { readRawRoute } from './read-raw.ts'
import { readStatusesRoute } from './read-statuses.ts'
import { releaseMessageRoute } from './release-message.ts'
import { resolveMessageRoute } from './resolve-message.ts'
import { retryMessageRoute } from './retry-message.ts'
import { sendBatchRoute } from './send-batch.ts'
import { sendMessageRoute } from './send-message.ts'
import { startBulkRoute } from './start-bulk.ts'

/** 25 MB of attachments as base64, two bodies of 5 MB at their longest in JSON, and the rest. */
const SEND_BYTES_MAX = 48 * 1024 * 1024

/** A thousand ids. */
const READ_BYTES_MAX = 128 * 1024

export const sendRoutes: RouteGroup = {
  tag: 'Messages',
  body: { jsonBytesMax: SEND_BYTES_MAX },
  routes: [sendMessageRoute, sendBatchRoute],
}

export const messageRoutes: RouteGroup = {
  tag: 'Messages',
  body: { jsonBytesMax: READ_BYTES_MAX },
  routes: [
    getMessageRoute,
    listMessagesRoute,
    readStatusesRoute,
    listEventsRoute,
    listAttemptsRoute,
    explainMessageRoute,
    readRawRoute,
    cancelMessageRoute,
    retryMessageRoute,
    resolveMessageRoute,
    holdMessageRoute,
    releaseMessageRoute,
    startBulkRoute,
    getBulkRoute,
    cancelBulkRoute,
  ],
}
