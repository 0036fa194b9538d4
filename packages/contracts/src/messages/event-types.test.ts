import { expect, test } from 'vitest'
import { eventTypeNames } from './event-types.ts'

test('types keep their places, by which the feed stores them', () => {
  expect(eventTypeNames.slice(0, 19)).toEqual([
    'message.accepted',
    'recipient.sent',
    'recipient.delivered',
    'recipient.deferred',
    'recipient.held',
    'recipient.unknown',
    'recipient.failed',
    'recipient.bounced',
    'recipient.complained',
    'recipient.suppressed',
    'recipient.cancelled',
    'recipient.retried',
    'recipient.accepted',
    'recipient.delayed',
    'recipient.opened',
    'recipient.clicked',
    'recipient.unsubscribed',
    'recipient.rejected',
    'endpoint.disabled',
  ])
})
