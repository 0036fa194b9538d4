import fc from 'fast-check'
import { expect, test } from 'vitest'
import { selectRecipients } from './select-recipients.ts'
import type { EarlierTry, LoadedRecipient } from './sql/load-claimed.ts'

const recipients = (...statuses: string[]): LoadedRecipient[] =>
  statuses.map((status, position) => ({
    position,
    status,
    kind: 'to' as const,
    name: null,
    address: `n${position}@x.example`,
  }))
const positions = (list: LoadedRecipient[]) => list.map(({ position }) => position)
const startedAt = new Date()
const noTries: EarlierTry[] = []
const tryOf = (change: Partial<EarlierTry>): EarlierTry => ({
  connectionId: 'c',
  outcome: 'deferred',
  scope: null,
  code: 'recipient-deferred',
  positions: [],
  ...change,
})
/** A call that was refused because of one of them. */
const refusedFor = (...positions: number[]) =>
  tryOf({ outcome: 'rejected', scope: 'message', code: 'recipient-refused', positions })

test('more recipients than a provider accepts in one call are sent in several calls, in order', () => {
  const { carried, left } = selectRecipients(
    { recipients: recipients('queued', 'sent', 'queued', 'queued'), unknownAttempts: [], tries: noTries },
    { recipientsMax: 2 },
  )
  expect([positions(carried), positions(left)]).toEqual([[0, 2], [3]])
})

test('untried recipients come before deferred ones, and never in the same call', () => {
  const all = {
    recipients: recipients('deferred', 'queued', 'deferred'),
    unknownAttempts: [],
    tries: noTries,
  }
  expect(positions(selectRecipients(all).carried)).toEqual([1])
  expect(
    positions(selectRecipients({ ...all, recipients: recipients('deferred', 'sent', 'deferred') }).carried),
  ).toEqual([0, 2])
})

test('an attempt that may have been accepted is repeated with exactly its own recipients', () => {
  const doubt = { connectionId: 'c', startedAt, positions: [0, 2] }
  const message = {
    recipients: recipients('deferred', 'deferred', 'deferred'),
    unknownAttempts: [doubt],
    tries: noTries,
  }
  expect(selectRecipients(message, { recipientsMax: 1 })).toMatchObject({
    carried: [{ position: 0 }, { position: 2 }],
    left: [],
    unknownAttempt: doubt,
  })
})

test('recipients outside an unknown attempt are not affected by it', () => {
  const doubt = { connectionId: 'c', startedAt, positions: [0] }
  const message = {
    recipients: recipients('deferred', 'queued'),
    unknownAttempts: [doubt],
    tries: noTries,
  }
  expect(selectRecipients(message)).toMatchObject({ carried: [{ position: 1 }], unknownAttempt: null })
})

test('recipients that need a single call follow one by one, and count their own attempts', () => {
  const tries = [refusedFor(0, 2), tryOf({ positions: [0] }), tryOf({ positions: [0] })]
  const message = {
    recipients: recipients('queued', 'queued', 'queued', 'queued'),
    unknownAttempts: [],
    tries,
  }
  expect(selectRecipients(message)).toMatchObject({
    carried: [{ position: 1 }, { position: 3 }],
    singleTries: null,
  })
  const others = { ...message, recipients: recipients('queued', 'sent', 'queued', 'sent') }
  expect(selectRecipients(others)).toMatchObject({
    carried: [{ position: 0 }],
    left: [{ position: 2 }],
    singleTries: 2,
  })
})

test('a provider that requires To gets copies one at a time once no To recipient is left', () => {
  const kinds = ['to', 'cc', 'bcc'] as const
  const all = (...statuses: string[]) =>
    recipients(...statuses).map((one, index) => ({ ...one, kind: kinds[index] ?? 'to' }))
  const takes = { recipientsMax: 50, needsTo: true }
  const carried = (...statuses: string[]) =>
    positions(
      selectRecipients({ recipients: all(...statuses), unknownAttempts: [], tries: noTries }, takes).carried,
    )
  expect(carried('queued', 'queued', 'queued')).toEqual([0, 1, 2])
  expect(carried('sent', 'queued', 'queued')).toEqual([1])
  expect(carried('sent', 'deferred', 'deferred')).toEqual([1])
})

test('every pending recipient is selected or left, none twice; unknown attempts and single recipients never mix with others', () => {
  const status = fc.constantFrom('queued', 'deferred', 'sent', 'held', 'unknown')
  fc.assert(
    fc.property(
      fc.array(status, { maxLength: 12 }),
      fc.array(fc.nat(11)),
      fc.array(fc.nat(11)),
      fc.integer({ min: 1, max: 5 }),
      (all, some, alone, max) => {
        const doubt = { connectionId: 'c', startedAt, positions: some }
        const tries = alone.length > 1 ? [refusedFor(...alone)] : []
        const message = {
          recipients: recipients(...all),
          unknownAttempts: [doubt],
          tries,
        }
        const { carried, left, unknownAttempt } = selectRecipients(message, { recipientsMax: max })
        const pending = all.some((one) => ['queued', 'deferred', 'held'].includes(one))
        expect(carried.length > 0).toBe(pending)
        expect(new Set([...carried, ...left]).size).toBe(carried.length + left.length)
        const uncertain = carried.filter(({ position }) => some.includes(position))
        expect(uncertain.length).toBe(unknownAttempt ? carried.length : 0)
        const isAlone = alone.length > 1 && carried.some(({ position }) => alone.includes(position))
        if (isAlone && !unknownAttempt) expect(carried).toHaveLength(1)
      },
    ),
  )
})
