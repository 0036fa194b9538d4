import { expect, test } from 'vitest'
import { failureClasses } from '../lib/failures.ts'
import { toOutcome } from './outcome.ts'

const waitMs = failureClasses['provider-quota-used-up'].waitMs

test('no recipient was accepted: the wait of a deferred one is kept beside refusals for good', () => {
  const outcome = toOutcome(
    [
      { address: 'gone@a.example', code: 'recipient-refused', reason: '550 5.1.1 no' },
      { address: 'later@b.example', code: 'provider-quota-used-up', reason: '450 4.2.0 greylisted' },
      { address: 'busy@c.example', code: 'connection-busy', reason: 'all sessions are in use' },
    ],
    'own-id',
  )
  expect(outcome).toEqual({
    kind: 'deferred',
    code: 'recipient-deferred',
    reason: '450 4.2.0 greylisted',
    retryAfterMs: waitMs,
    refused: [
      { address: 'gone@a.example', kind: 'rejected', code: 'recipient-refused', reason: '550 5.1.1 no' },
    ],
  })
})

test('recipients without a wait of their own: the outcome has none', () => {
  const outcome = toOutcome(
    [
      { address: 'gone@a.example', code: 'recipient-refused', reason: '550 5.1.1 no' },
      { address: 'later@b.example', code: 'sending-host-refused', reason: '554 5.7.1 listed' },
    ],
    'own-id',
  )
  expect(outcome).toMatchObject({ kind: 'deferred', code: 'recipient-deferred', reason: '554 5.7.1 listed' })
  expect(outcome).not.toHaveProperty('retryAfterMs')
})
