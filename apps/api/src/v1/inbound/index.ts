import type { RouteGroup } from '../../http/add-routes.ts'
import { createMailboxRoute } from './create-mailbox.ts'
import { createInboundRouteRoute } from './create-route.ts'
import { deleteMailboxRoute } from './delete-mailbox.ts'
import { deleteInboundRoute } from './delete-message.ts'
import { deleteInboundRouteRoute } from './delete-route.ts'
import { getInboundAddressRoute } from './get-address.ts'
import { getMailboxRoute } from './get-mailbox.ts'
import { getInboundRoute } from './get-message.ts'
import { getInboundRouteRoute } from './get-route.ts'
import { listMailboxRoute } from './list-mailbox.ts'
import { listMailboxesRoute } from './list-mailboxes.ts'
import { listInboundRoute } from './list-messages.ts'
import { listInboundRoutesRoute } from './list-routes.ts'
import { markInboundRoute } from './mark-message.ts'
import { readAttachmentRoute } from './read-attachment.ts'
import { readRawInboundRoute } from './read-raw.ts'
import { replayInboundRoute } from './replay-message.ts'
import { testAddressRoute } from './test-address.ts'
import { updateInboundRouteRoute } from './update-route.ts'

const BYTES_MAX = 64 * 1024

export const inboundRoutes: RouteGroup = {
  tag: 'Inbound',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [
    createInboundRouteRoute,
    listInboundRoutesRoute,
    testAddressRoute,
    getInboundRouteRoute,
    updateInboundRouteRoute,
    deleteInboundRouteRoute,
    getInboundAddressRoute,
    createMailboxRoute,
    listMailboxesRoute,
    getMailboxRoute,
    deleteMailboxRoute,
    listMailboxRoute,
    listInboundRoute,
    getInboundRoute,
    markInboundRoute,
    deleteInboundRoute,
    replayInboundRoute,
    readRawInboundRoute,
    readAttachmentRoute,
  ],
}
