import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addCreateMailboxRoute } from './create-mailbox.ts'
import { addCreateInboundRouteRoute } from './create-route.ts'
import { addDeleteMailboxRoute } from './delete-mailbox.ts'
import { addDeleteInboundRoute } from './delete-message.ts'
import { addDeleteInboundRouteRoute } from './delete-route.ts'
import { addGetInboundAddressRoute } from './get-address.ts'
import { addGetMailboxRoute } from './get-mailbox.ts'
import { addGetInboundRoute } from './get-message.ts'
import { addGetInboundRouteRoute } from './get-route.ts'
import { addListMailboxRoute } from './list-mailbox.ts'
import { addListMailboxesRoute } from './list-mailboxes.ts'
import { addListInboundRoute } from './list-messages.ts'
import { addListInboundRoutesRoute } from './list-routes.ts'
import { addMarkInboundRoute } from './mark-message.ts'
import { addReadAttachmentRoute } from './read-attachment.ts'
import { addReadRawInboundRoute } from './read-raw.ts'
import { addReplayInboundRoute } from './replay-message.ts'
import { addTestAddressRoute } from './test-address.ts'
import { addUpdateInboundRouteRoute } from './update-route.ts'

const BYTES_MAX = 64 * 1024

export function addInboundRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addCreateInboundRouteRoute(app, deps)
  addListInboundRoutesRoute(app, deps)
  addTestAddressRoute(app, deps)
  addGetInboundRouteRoute(app, deps)
  addUpdateInboundRouteRoute(app, deps)
  addDeleteInboundRouteRoute(app, deps)
  addGetInboundAddressRoute(app, deps)
  addCreateMailboxRoute(app, deps)
  addListMailboxesRoute(app, deps)
  addGetMailboxRoute(app, deps)
  addDeleteMailboxRoute(app, deps)
  addListMailboxRoute(app, deps)
  addListInboundRoute(app, deps)
  addGetInboundRoute(app, deps)
  addMarkInboundRoute(app, deps)
  addDeleteInboundRoute(app, deps)
  addReplayInboundRoute(app, deps)
  addReadRawInboundRoute(app, deps)
  addReadAttachmentRoute(app, deps)
}
