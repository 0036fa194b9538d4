/** Dispatch: claims ready messages, fair over tenants, and puts them into the queue. */
export { createDispatcher } from './dispatch.ts'
export { claimKeyArray } from './sql/claim-key.ts'
export { BULK_TURN, type Claim, claimMessages, FIRST_TENANT } from './sql/claim-messages.ts'
export { type OutboxCount, readOutboxCounts } from './sql/count-outbox.ts'
export { promoteDue } from './sql/promote-due.ts'
export { unclaimMessages } from './sql/release-claims.ts'
export { createPoke, type Poke, pokedTenants } from './wake-workers.ts'
