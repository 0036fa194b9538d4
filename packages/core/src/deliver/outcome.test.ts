import { recipientStatuses } from '@lettergate/contracts/messages/recipient-status'
import { canMove } from '@lettergate/contracts/test/recipient-moves'
import type { SendOutcome } from '@lettergate/providers/provider'
import { expect, test } from 'vitest'
import { buildLoadedMessage as buildMessage } from '../../test/loaded-message.ts'
import { toRecord } from '../../test/to-record.ts'
import { toHeldRecord, toUnknownRecord } from './outcome.ts'
import type { LoadedMessage } from './sql/load-claimed.ts'

const HOURS = 3_600_000

const attempt = {
  number: 1,
  connectionId: null,
  provider: 'smtp',
  startedAt: new Date(),
  repeatWindowMs: 0,
}
const record = (outcome: SendOutcome, change: Partial<LoadedMessage> = {}, repeatWindowMs = 0) =>
  toRecord(buildMessage(change), { ...attempt, repeatWindowMs }, outcome, () => 0.5)
const statuses = (result: ReturnType<typeof record>) => result.changes.map((change) => change.status)

test('an accepted message is sent to all', () => {
  const result = record({ kind: 'accepted', providerMessageId: 'x' })
  expect(statuses(result)).toEqual(['sent', 'sent'])
  expect(result).toMatchObject({ retryInMs: null, giveBack: 0 })
})

test('each recipient that the provider refused by name gets its own outcome, the others are sent', () => {
  const result = record({
    kind: 'accepted',
    providerMessageId: 'x',
    refused: [{ address: 'b@x.example', kind: 'deferred', code: 'recipient-deferred', reason: '451 later' }],
  })
  expect(statuses(result)).toEqual(['sent', 'deferred'])
  expect(result.retryInMs).toBe(60_000)
})

const refusal = { kind: 'rejected', scope: 'message', code: 'recipient-refused', reason: '400' } as const

test('a refusal that names no recipient fails none of several: they follow immediately', () => {
  const result = record(refusal)
  expect(result).toMatchObject({ changes: [], retryInMs: 0, giveBack: 0, attempt: { positions: [0, 1] } })
})

test('a refusal of a single recipient is final for it', () => {
  const [only] = buildMessage().recipients
  const result = record(refusal, { recipients: only ? [only] : [] })
  expect(statuses(result)).toEqual(['failed'])
  expect(result).toMatchObject({ retryInMs: null, giveBack: 1 })
})

test('a refusal that names one recipient fails that one, and the others count as not tried', () => {
  const refused = [
    { address: 'b@x.example', kind: 'rejected', code: 'recipient-refused', reason: 'inactive' } as const,
  ]
  const result = record({ ...refusal, refused })
  expect(result.changes).toMatchObject([{ position: 1, status: 'failed', reason: 'inactive' }])
  expect(result).toMatchObject({ retryInMs: 0, giveBack: 1, attempt: { positions: [1] } })
})

test('when each of several was refused by name, each fails for its own reason', () => {
  const refused = ['a@x.example', 'b@x.example'].map((address) => ({
    ...({ address, kind: 'rejected', code: 'recipient-refused' } as const),
    reason: `no ${address}`,
  }))
  const result = record({ ...refusal, refused })
  expect(result.changes.map(({ status, reason }) => [status, reason])).toEqual([
    ['failed', 'no a@x.example'],
    ['failed', 'no b@x.example'],
  ])
  expect(result).toMatchObject({ retryInMs: null, giveBack: 2 })
})

test('a recipient whose own transaction got no answer is unknown, and keeps its place in the quota', () => {
  const result = record({
    kind: 'accepted',
    providerMessageId: 'p1',
    refused: [
      { address: 'b@x.example', kind: 'rejected', code: 'outcome-unknown', reason: 'no reply in time' },
    ],
  })
  expect(statuses(result)).toEqual(['sent', 'unknown'])
  expect(result).toMatchObject({ retryInMs: null, giveBack: 0 })
})

test('a message that the provider rejects fails and is refunded', () => {
  const result = record({ kind: 'rejected', scope: 'message', code: 'message-refused', reason: 'no' })
  expect(statuses(result)).toEqual(['failed', 'failed'])
  expect(result).toMatchObject({ retryInMs: null, giveBack: 2 })
})

test('a problem of the account loses no mail: the message is retried', () => {
  const result = record({
    kind: 'rejected',
    scope: 'account',
    code: 'provider-credentials-refused',
    reason: '535 bad password',
  })
  expect(statuses(result)).toEqual(['deferred', 'deferred'])
  expect(result.attempt).toMatchObject({ outcome: 'rejected', scope: 'account' })
  expect(result.giveBack).toBe(0)
})

test('an unknown outcome is never sent again automatically', () => {
  const result = record({ kind: 'unknown', code: 'outcome-unknown', reason: 'no answer' })
  expect(statuses(result)).toEqual(['unknown', 'unknown'])
  expect(result).toMatchObject({ retryInMs: null, giveBack: 0 })
})

test.each([
  ['the tenant chose so', { onUnknown: 'resend' as const }, 0],
  ['the provider recognises the repeat', {}, 3_600_000],
])('an unknown outcome is repeated if %s', (_why, change, repeatWindowMs) => {
  expect(
    record({ kind: 'unknown', code: 'outcome-unknown', reason: 'no answer' }, change, repeatWindowMs)
      .retryInMs,
  ).not.toBeNull()
})

test('an unknown outcome is held if the provider would not recognise the repeat any more', () => {
  const result = record({ kind: 'unknown', code: 'outcome-unknown', reason: 'no answer' }, {}, 59_000)
  expect(statuses(result)).toEqual(['unknown', 'unknown'])
})

const unknownAttempts = [{ connectionId: null, startedAt: new Date() }]

test.each<[string, SendOutcome]>([
  ['a refusal of the message', { kind: 'rejected', scope: 'message', code: 'message-refused', reason: 'no' }],
  [
    'a refusal of the account',
    { kind: 'rejected', scope: 'account', code: 'provider-credentials-refused', reason: 'no' },
  ],
  ['a wish to wait', { kind: 'deferred', code: 'provider-unavailable', reason: '429' }],
])(
  'after an attempt that may have been accepted, %s leaves the message unknown, and counted',
  (_what, outcome) => {
    const result = record(outcome, { unknownAttempts })
    expect(statuses(result)).toEqual(['unknown', 'unknown'])
    expect(result).toMatchObject({ retryInMs: null, giveBack: 0 })
  },
)

test('after an attempt that may have been accepted, a repeat that the provider recognises may be deferred, but not failed', () => {
  const deferred: SendOutcome = { kind: 'deferred', code: 'provider-unavailable', reason: '429' }
  expect(statuses(record(deferred, { unknownAttempts }, HOURS))).toEqual(['deferred', 'deferred'])
  expect(statuses(record(deferred, { unknownAttempts, expiresInMs: 1 }, HOURS))).toEqual([
    'unknown',
    'unknown',
  ])
  const accepted: SendOutcome = { kind: 'accepted', providerMessageId: 'x' }
  expect(statuses(record(accepted, { unknownAttempts }))).toEqual(['sent', 'sent'])
})

test.each([1_000, 10_000, 10 * 60_000, HOURS])(
  'case 17: a wait of %d ms that a provider asks for is kept, with proportional jitter',
  (retryAfterMs) => {
    const outcome: SendOutcome = {
      kind: 'deferred',
      code: 'provider-rate-limited',
      reason: '429',
      retryAfterMs,
    }
    const waitOf = (random: number) => toRecord(buildMessage(), attempt, outcome, () => random).retryInMs
    expect(waitOf(0)).toBe(retryAfterMs)
    expect(waitOf(0.999)).toBeLessThanOrEqual(Math.min(retryAfterMs * 1.25, retryAfterMs + 30_000))
    expect(waitOf(0.999)).toBeGreaterThan(retryAfterMs)
  },
)

test('case 17: a short wait that a provider asks for repeatedly becomes the usual backoff', () => {
  const outcome: SendOutcome = {
    kind: 'deferred',
    code: 'provider-rate-limited',
    reason: '429',
    retryAfterMs: 1_000,
  }
  const waits = [1, 2, 3, 4, 5, 6, 7, 8].map(
    (number) => toRecord(buildMessage(), { ...attempt, number }, outcome, () => 0.5).retryInMs,
  )
  expect(waits).toEqual([1_125, 1_125, 1_125, 1_125, 1_125, 60_000, 120_000, 300_000])
})

test('retries end at the retry limit of the tenant: deferred becomes failed, unknown stays unknown', () => {
  const late = { expiresInMs: 30_000, retryHours: 48 }
  expect(statuses(record({ kind: 'deferred', code: 'provider-unavailable', reason: 'busy' }, late))).toEqual([
    'failed',
    'failed',
  ])
  expect(record({ kind: 'deferred', code: 'provider-unavailable', reason: 'busy' }, late)).toMatchObject({
    retryInMs: null,
    giveBack: 2,
    changes: [{ reason: 'gave up after 48 hours: busy' }, { reason: 'gave up after 48 hours: busy' }],
  })
  const unknown = record(
    { kind: 'unknown', code: 'outcome-unknown', reason: 'busy' },
    { ...late, onUnknown: 'resend' },
  )
  expect(statuses(unknown)).toEqual(['unknown', 'unknown'])
  expect(unknown.giveBack).toBe(0)
})

test('an attempt that did not begin is repeated within minutes by the same connection, any number of times', () => {
  const busy: SendOutcome = { kind: 'deferred', code: 'connection-busy', reason: 'busy' }
  const delays = [1, 3, 50].map(
    (number) => toRecord(buildMessage(), { ...attempt, number, hasOther: true }, busy, () => 0.5).retryInMs,
  )
  expect(delays).toEqual([60_000, 300_000, 300_000])
})

test.each([
  [
    'another available connection gets it immediately',
    { hasRoomier: true, hasOther: true },
    ['deferred', 'deferred'],
    0,
  ],
  ['another that is not ready is waited for', { hasRoomier: true }, ['deferred', 'deferred'], 60_000],
  ['it has failed when no other is left', { hasOther: true }, ['failed', 'failed'], null],
])('a message that is too large for one connection: %s', (_what, change, expected, retryInMs) => {
  const outcome: SendOutcome = {
    kind: 'rejected',
    scope: 'message',
    code: 'message-too-large',
    reason: '552 5.3.4',
  }
  const result = toRecord(buildMessage(), { ...attempt, failedBefore: 0, ...change }, outcome, () => 0.5)
  expect(statuses(result)).toEqual(expected)
  expect(result).toMatchObject({ retryInMs, giveBack: retryInMs === null ? 2 : 0 })
})

test('a message refused for its content fails, for any remaining connections', () => {
  const outcome: SendOutcome = { kind: 'rejected', scope: 'message', code: 'message-refused', reason: 'no' }
  const left = { ...attempt, hasRoomier: true, hasOther: true }
  expect(statuses(toRecord(buildMessage(), left, outcome))).toEqual(['failed', 'failed'])
})

test('recipients that were sent before are not changed', () => {
  const recipients = buildMessage().recipients.map((one, index) => ({
    ...one,
    status: index === 0 ? 'sent' : 'deferred',
  }))
  const result = record({ kind: 'accepted', providerMessageId: 'x' }, { recipients })
  expect(result.changes.map((change) => change.position)).toEqual([1])
  expect(result.attempt?.positions).toEqual([1])
})

test('a message without a connection is held with one event, and fails at the retry limit', () => {
  const held = toHeldRecord(buildMessage(), 'provider-required')
  expect(held.changes.map((change) => [change.status, change.event])).toEqual([
    ['held', 'recipient.held'],
    ['held', 'recipient.held'],
  ])
  const recipients = buildMessage().recipients.map((one) => ({ ...one, status: 'held' }))
  expect(toHeldRecord(buildMessage({ recipients }), 'x').changes.map((change) => change.event)).toEqual([
    null,
    null,
  ])
  expect(toHeldRecord(buildMessage({ expiresInMs: 1 }), 'x')).toMatchObject({ retryInMs: null, giveBack: 2 })
})

test('no outcome moves a recipient where the status table does not allow it', () => {
  const outcomes: SendOutcome[] = [
    { kind: 'accepted', providerMessageId: 'x' },
    { kind: 'rejected', scope: 'message', code: 'message-refused', reason: 'no' },
    { kind: 'rejected', scope: 'account', code: 'provider-credentials-refused', reason: 'no' },
    { kind: 'deferred', code: 'provider-unavailable', reason: 'later' },
    { kind: 'unknown', code: 'outcome-unknown', reason: 'no answer' },
  ]
  const address = ['user@x.example', 'delivered@sandbox.lettergate.dev', 'bounced@sandbox.lettergate.dev']
  for (const from of recipientStatuses) {
    for (const outcome of outcomes) {
      for (const expiresInMs of [1, 72 * HOURS]) {
        const recipients = address.map((one, position) => ({
          position,
          kind: 'to' as const,
          address: one,
          name: null,
          status: from,
        }))
        const message = buildMessage({ mode: 'test', recipients, expiresInMs })
        const changes = [
          ...toRecord(message, attempt, outcome).changes,
          ...toHeldRecord(message, 'x').changes,
          ...toUnknownRecord(message, 'x').changes,
        ]
        for (const { status } of changes) {
          const to = recipientStatuses.find((one) => one === status)
          expect(to !== undefined && (to === from || canMove(from, to)), `${from} to ${status}`).toBe(true)
        }
      }
    }
  }
})

test.each<[string, SendOutcome]>([
  [
    'a message that its account may not send',
    { kind: 'rejected', scope: 'account', code: 'provider-sender-refused', reason: 'x' },
  ],
  ['a message whose server is unreachable', { kind: 'deferred', code: 'provider-unreachable', reason: 'x' }],
])('%s is retried as soon as the connections are changed', (_, outcome) => {
  expect(record(outcome, { connectionsVersion: 3 })).toMatchObject({ waitVersion: 3 })
})

test.each<[string, SendOutcome]>([
  ['a recipient that is deferred', { kind: 'deferred', code: 'recipient-deferred', reason: 'x' }],
  ['a rate', { kind: 'deferred', code: 'provider-rate-limited', reason: 'x' }],
  ['an unknown outcome', { kind: 'unknown', code: 'outcome-unknown', reason: 'x' }],
])('%s does not depend on a change of the connections', (_, outcome) => {
  const result = record(outcome, { connectionsVersion: 3, onUnknown: 'resend' })
  expect(result).toMatchObject({ retryInMs: expect.any(Number), waitVersion: null })
})

test('a message that no connection may carry is retried as soon as there is another connection', () => {
  expect(toHeldRecord(buildMessage({ connectionsVersion: 3 }), 'x')).toMatchObject({ waitVersion: 3 })
})

test('a recipient that an earlier attempt may have reached is retried but never refunded', () => {
  const uncertain = { maybeTaken: [0] }
  const refused = record(
    { kind: 'rejected', scope: 'message', code: 'message-refused', reason: 'no' },
    uncertain,
  )
  expect(statuses(refused)).toEqual(['unknown', 'failed'])
  expect(refused.giveBack).toBe(1)
  expect(refused.changes[0]?.reason).toBe('no, after an attempt that may have been accepted')
  const deferred = record({ kind: 'deferred', code: 'provider-unavailable', reason: 'later' }, uncertain)
  expect(statuses(deferred)).toEqual(['deferred', 'deferred'])
  const last = record(
    { kind: 'deferred', code: 'provider-unavailable', reason: 'later' },
    { ...uncertain, expiresInMs: 0 },
  )
  expect(statuses(last)).toEqual(['unknown', 'failed'])
  expect(last.giveBack).toBe(1)
  const held = toHeldRecord(buildMessage({ ...uncertain, expiresInMs: 0 }), 'no connection')
  expect(held.changes.map(({ status }) => status)).toEqual(['unknown', 'failed'])
  expect(held.giveBack).toBe(1)
})
