import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Ask, allocate, toRateOrder } from './allocate.ts'
import type { RateGrant } from './sql/reserve-rate.ts'

const ask = (change: Partial<Ask> = {}): Ask => ({
  tenantId: 't',
  connectionId: 'c',
  recipients: 1,
  rate: 10,
  perDay: null,
  reported: null,
  version: 1,
  hasTime: false,
  ...change,
})
const grant: RateGrant = {
  startMs: -900,
  granted: 1_000,
  grantedOfDay: 0,
  dayEndsInMs: 60_000,
  rate: 10,
  countsDay: false,
}
const give = (asks: Ask[], change: Partial<RateGrant> = {}) =>
  allocate(asks, { ...grant, ...change }, () => 0)

test('a burst of one second is sent immediately, further messages at the rate', () => {
  const answers = give(Array.from({ length: 13 }, () => ask()))
  expect(answers.map(({ waitMs }) => waitMs)).toEqual([...Array(10).fill(0), 100, 200, 300])
})

test('recipients count, not messages', () => {
  expect(give([ask({ recipients: 20 }), ask()]).map(({ waitMs }) => waitMs)).toEqual([0, 1_100])
})

test('a message with a reserved time reserves no second one', () => {
  const asks = [ask({ hasTime: true }), ask()]
  expect(toRateOrder(asks).wanted).toBe(1)
  expect(give(asks, { startMs: 5_000 })).toMatchObject([{ why: null }, { waitMs: 5_000, why: 'rate' }])
})

test('beyond one hour no time is reserved: the message waits until a random moment of the second half of the hour', () => {
  expect(give([ask(), ask()], { granted: 1 })).toMatchObject([
    { why: null },
    { why: 'rate-far', waitMs: 1_800_000 },
  ])
})

test('the granted rate applies, not the rate that one worker knows', () => {
  expect(give([ask(), ask()], { rate: 2, startMs: 0 }).map(({ waitMs }) => waitMs)).toEqual([0, 500])
  expect(give([ask(), ask()], { rate: null, startMs: 0 }).map(({ waitMs }) => waitMs)).toEqual([0, 0])
})

test('a worker at the daily limit waits for the next day, and returns its unused grant', () => {
  const asks = [ask({ recipients: 3 }), ask({ recipients: 3 })]
  expect(give(asks, { rate: null, countsDay: true, grantedOfDay: 5 })).toEqual([
    { waitMs: 0, why: null, ofDay: 3 },
    { waitMs: 60_000, why: 'day', ofDay: 2 },
  ])
})

test('every daily grant is either used or returned', () => {
  const list = fc.array(fc.record({ recipients: fc.integer({ min: 1, max: 9 }), hasTime: fc.boolean() }), {
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(list, fc.nat(60), fc.nat(60), (some, granted, day) => {
      const asks = some.map((one) => ask({ ...one, perDay: 60 }))
      const order = toRateOrder(asks)
      const grantedOfDay = Math.min(day, order.wantedOfDay)
      const answers = allocate(asks, { ...grant, granted, grantedOfDay, countsDay: true })
      const sum = answers.reduce((total, { ofDay }) => total + ofDay, 0)
      expect(sum).toBeLessThanOrEqual(grantedOfDay)
      for (const [index, { why, ofDay }] of answers.entries()) {
        if (why === null) expect(ofDay).toBe(asks[index]?.recipients)
      }
      if (answers.some(({ why }) => why === 'day')) expect(sum).toBe(grantedOfDay)
    }),
  )
})
