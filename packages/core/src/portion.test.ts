import type { LoadedRecipient } from '@lettergate/db/sql/load-claimed'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { portionOf } from './portion.ts'

const recipients = (...statuses: string[]): LoadedRecipient[] =>
  statuses.map((status, position) => ({
    ...{ position, status, kind: 'to' as const, name: null },
    address: `n${position}@x.example`,
  }))
const positions = (list: LoadedRecipient[]) => list.map(({ position }) => position)
const startedAt = new Date()

test('more recipients than a provider takes are handed over in portions, in order', () => {
  const { carried, left } = portionOf(
    { recipients: recipients('queued', 'sent', 'queued', 'queued'), unsure: null },
    2,
  )
  expect([positions(carried), positions(left)]).toEqual([[0, 2], [3]])
})

test('those not tried yet come before those whose last try was deferred, and never with them', () => {
  const all = { recipients: recipients('deferred', 'queued', 'deferred'), unsure: null }
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
  }
  expect(portionOf(message, 1)).toMatchObject({
    carried: [{ position: 0 }, { position: 2 }],
    left: [],
    unsure: doubt,
  })
})

test('recipients that no unknown try carried are in no doubt', () => {
  const doubt = { connectionId: 'c', startedAt, positions: [0] }
  const message = { recipients: recipients('deferred', 'queued'), unsure: doubt, doubts: [doubt] }
  expect(portionOf(message)).toMatchObject({ carried: [{ position: 1 }], unsure: null })
})

test('whatever waits is carried or left; nobody is carried twice, and nobody in doubt beside others', () => {
  const status = fc.constantFrom('queued', 'deferred', 'sent', 'held', 'unknown')
  fc.assert(
    fc.property(
      fc.array(status, { maxLength: 12 }),
      fc.array(fc.nat(11)),
      fc.integer({ min: 1, max: 5 }),
      (all, some, max) => {
        const doubt = { connectionId: 'c', startedAt, positions: some }
        const message = { recipients: recipients(...all), unsure: doubt, doubts: [doubt] }
        const { carried, left, unsure } = portionOf(message, max)
        const pending = all.some((one) => ['queued', 'deferred', 'held'].includes(one))
        expect(carried.length > 0).toBe(pending)
        expect(new Set([...carried, ...left]).size).toBe(carried.length + left.length)
        const doubtful = carried.filter(({ position }) => some.includes(position))
        expect(doubtful.length).toBe(unsure ? carried.length : 0)
      },
    ),
  )
})
