import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Ask, handOut, toOrder } from './pace-orders.ts'

const ask = (change: Partial<Ask> = {}): Ask => ({
  ...{ tenantId: 't', connectionId: 'c', recipients: 1, rate: 10, perDay: null, hasTime: false },
  ...change,
})
const grant = { startMs: -900, granted: 1_000, grantedOfDay: 0, dayEndsInMs: 60_000 }
const give = (asks: Ask[], change: Partial<typeof grant> = {}) =>
  handOut(asks, toOrder(asks), { ...grant, ...change }, () => 0)

test('a burst of one second goes out at once, the rest at the rate', () => {
  const answers = give(Array.from({ length: 13 }, () => ask()))
  expect(answers.map(({ waitMs }) => waitMs)).toEqual([...Array(10).fill(0), 100, 200, 300])
})

test('recipients count, not messages', () => {
  expect(give([ask({ recipients: 20 }), ask()]).map(({ waitMs }) => waitMs)).toEqual([0, 1_100])
})

test('a message whose time was reserved before takes no other', () => {
  const asks = [ask({ hasTime: true }), ask()]
  expect(toOrder(asks).wanted).toBe(1)
  expect(give(asks, { startMs: 5_000 })).toMatchObject([{ why: null }, { waitMs: 5_000, why: 'rate' }])
})

test('beyond the hour nothing is reserved: a random moment of its second half', () => {
  expect(give([ask(), ask()], { granted: 1 })).toMatchObject([
    { why: null },
    { why: 'rate-far', waitMs: 1_800_000 },
  ])
})

test('a used up day waits for the next one, and gives back what it got of this one', () => {
  const asks = [ask({ rate: null, perDay: 5, recipients: 3 }), ask({ rate: null, perDay: 5, recipients: 3 })]
  expect(give(asks, { grantedOfDay: 5 })).toEqual([
    { waitMs: 0, why: null, unused: 0 },
    { waitMs: 60_000, why: 'day', unused: 2 },
  ])
})

test('whatever is granted of a day is either used or given back', () => {
  const list = fc.array(fc.record({ recipients: fc.integer({ min: 1, max: 9 }), hasTime: fc.boolean() }), {
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(list, fc.nat(60), fc.nat(60), (some, granted, day) => {
      const asks = some.map((one) => ask({ ...one, perDay: 60 }))
      const order = toOrder(asks)
      const grantedOfDay = Math.min(day, order.wantedOfDay)
      const answers = handOut(asks, order, { ...grant, granted, grantedOfDay })
      const used = answers.reduce(
        (sum, { why }, index) => sum + (why === null ? (asks[index]?.recipients ?? 0) : 0),
        0,
      )
      const unused = answers.reduce((sum, answer) => sum + answer.unused, 0)
      expect(used + unused).toBeLessThanOrEqual(grantedOfDay)
      if (answers.every(({ why }) => why === null)) expect(unused).toBe(0)
      else if (answers.some(({ why }) => why === 'day')) expect(used + unused).toBe(grantedOfDay)
    }),
  )
})
