import fc from 'fast-check'
import { expect, test } from 'vitest'
import { portionOf } from './select-recipients.ts'
import type { EarlierTry, LoadedRecipient } from './sql/load-claimed.ts'

const recipients = (...statuses: string[]): LoadedRecipient[] =>
  statuses.map((status, position) => ({
    ...{ position, status, kind: 'to' as const, name: null },
    address: `n${position}@x.example`,
  }))
const positions = (list: LoadedRecipient[]) => list.map(({ position }) => position)
const startedAt = new Date()
const noTries: EarlierTry[] = []
const tryOf = (change: Partial<EarlierTry>): EarlierTry => ({
  ...{ connectionId: 'c', outcome: 'deferred', scope: null, code: 'recipient-deferred', positions: [] },
  ...change,
})
/** A call that was refused for the sake of one of them. */
const refusedFor = (...positions: number[]) =>
  tryOf({ outcome: 'rejected', scope: 'message', code: 'recipient-refused', positions })

test('more recipients than a provider takes are handed over in portions, in order', () => {
  const { carried, left } = portionOf(
    { recipients: recipients('queued', 'sent', 'queued', 'queued'), unsure: null, tries: noTries },
    { recipientsMax: 2 },
  )
  expect([positions(carried), positions(left)]).toEqual([[0, 2], [3]])
})

test('those not tried yet come before those whose last try was deferred, and never with them', () => {
  const all = { recipients: recipients('deferred', 'queued', 'deferred'), unsure: null, tries: noTries }
  expect(positions(portionOf(all).carried)).toEqual([1])
  expect(
    positions(portionOf({ ...all, recipients: recipients('deferred', 'sent', 'deferred') }).carried),
  ).toEqual([0, 2])
})

test('a try that may have been taken is repeated with exactly its own recipients', () => {
  const doubt = { connectionId: 'c', startedAt, positions: [0, 2] }
  const message = {
    recipients: recipients('deferred', 'deferred', 'deferred'),
    unsure: doubt,
    doubts: [doubt],
    tries: noTries,
  }
  expect(portionOf(message, { recipientsMax: 1 })).toMatchObject({
    carried: [{ position: 0 }, { position: 2 }],
    left: [],
    unsure: doubt,
  })
})

test('recipients that no unknown try carried are in no doubt', () => {
  const doubt = { connectionId: 'c', startedAt, positions: [0] }
  const message = {
    recipients: recipients('deferred', 'queued'),
    unsure: doubt,
    doubts: [doubt],
    tries: noTries,
  }
  expect(portionOf(message)).toMatchObject({ carried: [{ position: 1 }], unsure: null })
})

test('those who are to go alone follow one by one after the others, and count their own tries', () => {
  const tries = [refusedFor(0, 2), tryOf({ positions: [0] }), tryOf({ positions: [0] })]
  const message = { recipients: recipients('queued', 'queued', 'queued', 'queued'), unsure: null, tries }
  expect(portionOf(message)).toMatchObject({ carried: [{ position: 1 }, { position: 3 }], aloneBefore: null })
  const others = { ...message, recipients: recipients('queued', 'sent', 'queued', 'sent') }
  expect(portionOf(others)).toMatchObject({
    carried: [{ position: 0 }],
    left: [{ position: 2 }],
    aloneBefore: 2,
  })
})

test('a provider that needs somebody in To gets copies one at a time once nobody of To is left', () => {
  const kinds = ['to', 'cc', 'bcc'] as const
  const all = (...statuses: string[]) =>
    recipients(...statuses).map((one, index) => ({ ...one, kind: kinds[index] ?? 'to' }))
  const takes = { recipientsMax: 50, needsTo: true }
  const carried = (...statuses: string[]) =>
    positions(portionOf({ recipients: all(...statuses), unsure: null, tries: noTries }, takes).carried)
  expect(carried('queued', 'queued', 'queued')).toEqual([0, 1, 2])
  expect(carried('sent', 'queued', 'queued')).toEqual([1])
  expect(carried('sent', 'deferred', 'deferred')).toEqual([1])
})

test('whatever waits is carried or left; nobody is carried twice, nobody in doubt beside others, and whoever goes alone alone', () => {
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
        const message = { recipients: recipients(...all), unsure: doubt, doubts: [doubt], tries }
        const { carried, left, unsure } = portionOf(message, { recipientsMax: max })
        const pending = all.some((one) => ['queued', 'deferred', 'held'].includes(one))
        expect(carried.length > 0).toBe(pending)
        expect(new Set([...carried, ...left]).size).toBe(carried.length + left.length)
        const doubtful = carried.filter(({ position }) => some.includes(position))
        expect(doubtful.length).toBe(unsure ? carried.length : 0)
        const isAlone = alone.length > 1 && carried.some(({ position }) => alone.includes(position))
        if (isAlone && !unsure) expect(carried).toHaveLength(1)
      },
    ),
  )
})
