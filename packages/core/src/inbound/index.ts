/** Inbound: mail that comes in: whose it is, how it is kept, read and acted on. */
export { createInboundAcceptor, type InboundAcceptor } from './accept-inbound.ts'
export { presentContent } from './content.ts'
export {
  createRecipientFinder,
  type RecipientFinder,
} from './find-recipient.ts'
export { headOf } from './head-of.ts'
export { createInboundCalls } from './inbound-calls.ts'
export { loopOf } from './loop.ts'
export { createMailReader } from './mail-reader.ts'
export { createMailbox, deleteMailbox, listMailboxes, type MailboxRow, readMailbox } from './mailboxes.ts'
export {
  type ActionInfo,
  deleteInbound,
  type InboundInfo,
  listInbound,
  markInboundRead,
  readInbound,
  readInboundFile,
  readRawInbound,
  replayInbound,
} from './messages.ts'
export type { InboundDeps } from './owner.ts'
export { createInboundProcessor, type InboundProcessor, type ProcessedInbound } from './process-inbound.ts'
export {
  createInboundRoute,
  deleteInboundRoute,
  type InboundRouteRow,
  listInboundRoutes,
  readInboundRoute,
  updateInboundRoute,
} from './routes.ts'
export { dropInboundDays } from './sql/drop-inbound-days.ts'
export type { InboundListed } from './sql/read-inbound.ts'
export { readTenantToken } from './tenant-address.ts'
