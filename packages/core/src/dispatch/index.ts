/** Dispatch: claims ready messages, fair over tenants, and puts them into the queue. */
export { createDispatcher } from './dispatch.ts'
export { claimKeyArray } from './sql/claim-key.ts'
export { BULK_TURN, type Claim, claimColumns, claimMessages, FIRST_TENANT } from './sql/claim-messages.ts'
export { countOutbox, type OutboxCount } from './sql/count-outbox.ts'
export { promoteDue } from './sql/promote-due.ts'
export { releaseClaims } from './sql/release-claims.ts'
export { createWorkerWaker, type WakeWorkers, wokenTenants } from './wake-workers.ts'
