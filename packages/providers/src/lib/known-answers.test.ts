import { expect, test } from 'vitest'
import { loadExamples } from '../../test/examples.ts'
import { answered } from '../../test/http-peer.ts'
import { toOutcome as ses } from '../ses/outcome.ts'
import { toOutcome as sparkpost } from '../sparkpost/outcome.ts'
import { classOf } from './failures.ts'

const now = new Date('2026-11-20T10:00:00Z')
const all = ['a@x.example', 'b@x.example']
const examples = await loadExamples()

const rows = examples.flatMap(([id, example]) =>
  example.knownAnswers.flatMap(({ rows, source }) =>
    rows.map((row) => [id, ...row, source, example] as const),
  ),
)

test.each(rows)('cases 1-4, 21: %s %d %s "%s" is %s', (_id, status, code, message, is, _source, example) => {
  expect(example.judge(answered(status, example.refusal(code, message)), now, all)).toMatchObject({
    code: is,
  })
})

test('every provider has known answers, each with a source', () => {
  const without = examples.filter(([, { knownAnswers }]) => knownAnswers.length === 0).map(([id]) => id)
  expect(without, 'write knownAnswers in test/example.ts of these').toEqual([])
  expect(rows.length).toBeGreaterThanOrEqual(120)
  for (const row of rows) expect(row[5]).toMatch(/^https:|^met by/)
})

const ofAccounts = [
  'Your account has been suspended',
  'Sending is paused for this account',
  'The subaccount is disabled',
  'Not enough credits',
  'The daily sending limit is reached',
  'Please upgrade your plan',
  'The sender address is not allowed',
  'The domain x.example is unverified',
  'IP 192.0.2.1 is not authorized',
  'The template does not exist',
]

test.each(examples)(
  '%s: words about the account, the sender, the credit, an IP or a template never end a message',
  (_id, { judge, refusal, unknownCode = '' }) => {
    const ended = ofAccounts.filter((message) => {
      const outcome = judge(answered(400, refusal(unknownCode, message)), now, all)
      return outcome.kind !== 'deferred' && !(outcome.kind === 'rejected' && outcome.scope === 'account')
    })
    expect(ended).toEqual([])
  },
)

test.each(examples)(
  '%s: an unrecognised refusal is tried on one other connection',
  (_id, { judge, refusal, unknownCode = '' }) => {
    const outcome = judge(answered(400, refusal(unknownCode, 'blorp')), now, all)
    expect(outcome).toMatchObject({ kind: 'rejected', code: 'refusal-unrecognised' })
    expect(outcome.kind === 'rejected' && classOf(outcome.code).elsewhere).toBe('once')
  },
)

test('case 4: a used-up rate per second is retried after a second, a used-up day after ten minutes', () => {
  const wait = (message: string) => ses(answered(429, { __type: 'TooManyRequestsException', message }), now)
  expect(wait('Maximum sending rate exceeded.')).toMatchObject({ retryAfterMs: 1_000 })
  expect(wait('Daily message quota exceeded.')).toMatchObject({ retryAfterMs: 600_000 })
})

test('case 21: sparkpost reports one of several as suppressed: each recipient gets a single call', () => {
  const errors = [{ code: '1902', message: 'Message generation rejected' }]
  const outcome = sparkpost(answered(400, { errors }), now, all)
  expect(outcome).toMatchObject({ code: 'recipient-refused' })
  expect(outcome).not.toHaveProperty('refused')
})
