/** Provider events: the URLs that providers call, the requests kept as they came, what becomes of them, and the registration of webhooks. */

export { createEventApplier, type EventApplier } from './apply-events.ts'
export type { Applied, ForeignEvents } from './apply-turn.ts'
export { createHookFinder, type HookFinder, type HookPath, type OpenHook } from './hook-finder.ts'
export { createHookIo } from './hook-io.ts'
export { createHookVisitCounter, type HookVisitCounter } from './hook-visits.ts'
export { createEventReceiver, type EventReceiver, type ReceivedKind } from './receive-event.ts'
export { recordReport } from './record-report.ts'
export { createEventRegistrar, type EventRegistrar, type EventsState } from './register-events.ts'
export { createWebhookRetirer, type RetireResult, type WebhookRetirer } from './retire-webhooks.ts'
export { insertProviderEvents, type RawEvent } from './sql/insert-provider-events.ts'
