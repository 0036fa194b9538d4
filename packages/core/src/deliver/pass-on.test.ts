import type { SendOutcome } from '@lettergate/providers/provider'
import { expect, test } from 'vitest'
import { buildLoadedMessage as buildMessage } from '../../test/loaded-message.ts'
import { toRecord } from '../../test/to-record.ts'
import type { LoadedMessage } from './sql/load-claimed.ts'

const attempt = {
  number: 1,
  connectionId: null,
  provider: 'smtp',
  startedAt: new Date(),
  repeatWindowMs: 0,
}
const record = (outcome: SendOutcome) => toRecord(buildMessage(), attempt, outcome, () => 0.5)
const statuses = (result: ReturnType<typeof toRecord>) => result.changes.map((change) => change.status)

const strange: SendOutcome = {
  kind: 'rejected',
  scope: 'message',
  code: 'refusal-unrecognised',
  reason: '550 no',
}
const saidBefore: Partial<LoadedMessage> = {
  tries: [
    {
      connectionId: 'b',
      outcome: 'rejected',
      scope: 'message',
      code: 'refusal-unrecognised',
      positions: [0],
    },
  ],
}

test.each<[string, Partial<LoadedMessage>, object, string[], number | null]>([
  [
    'another available connection gets the message immediately',
    {},
    { hasReady: true, hasOther: true },
    ['deferred', 'deferred'],
    0,
  ],
  ['the message fails if no connection is available', {}, { hasRoomier: true }, ['failed', 'failed'], null],
  [
    'a second unrecognised refusal fails the recipient',
    saidBefore,
    { hasReady: true, hasOther: true },
    ['failed', 'deferred'],
    0,
  ],
  [
    'after an attempt that may have been accepted the message stays unknown',
    { unknownAttempts: [{ connectionId: null, startedAt: new Date() }] },
    { hasReady: true, hasOther: true },
    ['unknown', 'unknown'],
    null,
  ],
])('an unrecognised refusal: %s', (_what, change, others, expected, retryInMs) => {
  const result = toRecord(
    buildMessage(change),
    { ...attempt, failedBefore: 0, ...others },
    strange,
    () => 0.5,
  )
  expect(statuses(result)).toEqual(expected)
  expect(result.retryInMs).toBe(retryInMs)
})

const choice = { rule: 'priority', route: null, skipped: [] } as const
const withOthers = { ...attempt, choice: { ...choice, skipped: [] }, hasReady: true, hasOther: true }
const refusedOf = (code: 'refusal-unrecognised' | 'provider-permission-missing' | 'recipient-refused') =>
  ({
    address: 'b@x.example',
    kind: code === 'provider-permission-missing' ? 'deferred' : 'rejected',
    code,
    reason: '550 no',
  }) as const

test.each(['refusal-unrecognised', 'provider-permission-missing'] as const)(
  'one of several that is refused by %s uses another connection immediately, and the others are sent',
  (code) => {
    const outcome: SendOutcome = { kind: 'accepted', providerMessageId: 'x', refused: [refusedOf(code)] }
    const result = toRecord(buildMessage(), withOthers, outcome)
    expect(result.changes).toMatchObject([
      { position: 0, status: 'sent' },
      { position: 1, status: 'queued', reason: '550 no', event: 'recipient.deferred' },
    ])
    expect(result).toMatchObject({ retryInMs: 0, giveBack: 0 })
    expect(JSON.parse(result.attempt?.choice ?? '')).toEqual({ ...choice, passedOn: [{ position: 1, code }] })
  },
)

test('one refused recipient of several fails if the refusal is about it, if no connection is left, or the second time', () => {
  const refusing = (code: Parameters<typeof refusedOf>[0]): SendOutcome => ({
    kind: 'accepted',
    providerMessageId: 'x',
    refused: [refusedOf(code)],
  })
  const passedOn = [{ position: 1, code: 'refusal-unrecognised' }]
  const before = {
    connectionId: 'b',
    outcome: 'accepted',
    scope: null,
    code: null,
    positions: [0, 1],
    passedOn,
  }
  for (const result of [
    toRecord(buildMessage(), withOthers, refusing('recipient-refused')),
    toRecord(buildMessage(), attempt, refusing('refusal-unrecognised')),
    toRecord(buildMessage({ tries: [before] }), withOthers, refusing('refusal-unrecognised')),
  ]) {
    expect(statuses(result)).toEqual(['sent', 'failed'])
    expect(result).toMatchObject({ retryInMs: null, giveBack: 1 })
  }
})

test('a wait that a provider asks for one of several recipients is kept, with jitter', () => {
  const refused = [{ ...refusedOf('provider-permission-missing'), retryAfterMs: 3_600_000 }]
  expect(record({ kind: 'accepted', providerMessageId: 'x', refused }).retryInMs).toBe(3_615_000)
})
