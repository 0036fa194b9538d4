import { expect, test } from 'vitest'
import { failedTriesOf, singleRecipientsOf, unrecognisedOf } from './attempt-history.ts'
import type { EarlierTry } from './sql/load-claimed.ts'

const one = (change: Partial<EarlierTry>): EarlierTry => ({
  connectionId: 'a',
  outcome: 'deferred',
  scope: null,
  code: 'provider-unavailable',
  positions: [0, 1],
  ...change,
})

test('failed attempts are counted by connection, with the last code of each', () => {
  const tries = [
    one({}),
    one({ connectionId: 'b', outcome: 'rejected', scope: 'account', code: 'provider-sandbox' }),
    one({ code: 'recipient-deferred' }),
    one({ connectionId: null, outcome: 'rejected', scope: 'message', code: 'message-too-large' }),
  ]
  expect(failedTriesOf(tries)).toEqual([
    { connectionId: 'a', failed: 2, code: 'recipient-deferred' },
    { connectionId: 'b', failed: 1, code: 'provider-sandbox' },
    { connectionId: null, failed: 1, code: 'message-too-large' },
  ])
})

test('an attempt that was accepted, refused permanently, unknown or not begun is no failed attempt', () => {
  const tries = [
    one({ outcome: 'accepted', code: null }),
    one({ outcome: 'rejected', scope: 'message', code: 'recipient-refused' }),
    one({ outcome: 'unknown', code: 'outcome-unknown' }),
    one({ code: 'connection-busy' }),
  ]
  expect(failedTriesOf(tries)).toEqual([])
})

test('an attempt that left one of several recipients to another connection is a failed attempt of that recipient', () => {
  const tries = [
    one({ outcome: 'accepted', code: null, passedOn: [{ position: 1, code: 'refusal-unrecognised' }] }),
    one({
      connectionId: 'b',
      outcome: 'rejected',
      scope: 'message',
      code: 'refusal-unrecognised',
      positions: [2],
    }),
    one({ connectionId: 'c', passedOn: [{ position: 0, code: 'provider-sandbox' }] }),
  ]
  expect(failedTriesOf(tries)).toMatchObject([
    { connectionId: 'a', failed: 1, code: 'refusal-unrecognised' },
    { connectionId: 'b', failed: 1 },
    { connectionId: 'c', failed: 1 },
  ])
  expect(unrecognisedOf(tries)).toEqual([
    { connectionId: 'a', position: 1 },
    { connectionId: 'b', position: 2 },
  ])
})

const refused = one({ outcome: 'rejected', scope: 'message', code: 'recipient-refused' })

test('recipients of a call that was refused because of one of them get single calls, and only single calls count', () => {
  const tries = [
    one({ positions: [1] }),
    refused,
    ...[one({ positions: [1] }), one({ positions: [1] }), one({ positions: [1], code: 'connection-busy' })],
  ]
  expect(singleRecipientsOf(tries)).toEqual([
    { position: 0, tries: 0 },
    { position: 1, tries: 3 },
  ])
})

test('refusals of a single recipient, of the message or of the account cause no split', () => {
  const others = ['message-refused', 'message-too-large', 'provider-sandbox'].map((code) => ({
    ...refused,
    code,
  }))
  expect(singleRecipientsOf([{ ...refused, positions: [0] }, one({}), ...others])).toEqual([])
})
