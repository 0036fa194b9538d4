import type { EventType } from '@lettergate/contracts/messages/event-types'

/** Events of an account that somebody should hear of soon: a tenant may get them by mail. */
export const noticedTypes = [
  'endpoint.disabled',
  'usage.warned',
  'usage.exhausted',
  'pool.warned',
  'pool.paused',
  'domain.warned',
  'domain.failed',
] as const satisfies EventType[]

export type NoticedType = (typeof noticedTypes)[number]
