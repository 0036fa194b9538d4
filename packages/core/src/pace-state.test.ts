import { createCapture } from '@lettergate/providers/capture/index'
import type { SendOutcome } from '@lettergate/providers/provider'
import { expect, test } from 'vitest'
import { concurrencyMax, hasNews, learn, newLocal, shareOf } from './pace-state.ts'
import type { Candidate } from './route.ts'

function localWith(change: { room?: number; limit?: number }) {
  const { room, limit } = change
  const candidate: Candidate = {
    provider: { ...createCapture(), ...(room !== undefined && { callsMax: () => room }) },
    connection: { id: 'c', credentials: {}, settings: {} },
    connectionId: 'c',
    limits: limit === undefined ? null : { concurrency: limit },
  }
  return newLocal('tenant', 'c', candidate)
}

test('no more calls are made at once than the provider has room for by its settings, or than the tenant permits', () => {
  expect(shareOf(localWith({ room: 2 }))).toBe(2)
  expect(shareOf(localWith({ room: 2, limit: 1 }))).toBe(1)
  expect(shareOf(localWith({ room: 20, limit: 30 }))).toBe(20)
  expect(shareOf(localWith({}))).toBe(64)
  expect(concurrencyMax(localWith({}))).toBe(400)
})

test('workers share the room of a provider, and each has some', () => {
  expect(shareOf({ ...localWith({ room: 20 }), workers: 4 })).toBe(5)
  expect(shareOf({ ...localWith({ room: 2 }), workers: 4 })).toBe(1)
})

test('success does not make more room than there is', () => {
  const local = { ...localWith({ room: 2 }), concurrency: 2, busy: 2 }
  for (let call = 0; call < 100; call++) learn(local, { kind: 'accepted', providerMessageId: 'x' }, 10, call)
  expect(shareOf(local)).toBe(2)
})

test('calls one by one show nothing of how many a connection bears, and are no news for other workers', () => {
  const accepted: SendOutcome = { kind: 'accepted', providerMessageId: 'x' }
  const [quiet, busy] = [localWith({}), { ...localWith({}), busy: 40 }]
  for (let call = 0; call < 100; call++) for (const local of [quiet, busy]) learn(local, accepted, 10, call)
  expect([quiet.concurrency, hasNews(quiet)]).toEqual([64, false])
  expect([busy.concurrency > 65, hasNews(busy)]).toEqual([true, true])
})

test('calls that are refused together earn one pause, and those after it a longer one', () => {
  const local = localWith({})
  const refused: SendOutcome = { kind: 'deferred', code: 'provider-rate-limited', reason: 'too fast' }
  const pauses = [0, 2_000, 5_000].map((at) => {
    for (let call = 0; call < 50; call++) learn(local, refused, 10, at)
    return local.pausedUntil - at
  })
  expect(pauses).toEqual([1_000, 2_000, 4_000])
  learn(local, { kind: 'accepted', providerMessageId: 'x' }, 10, 10_000)
  learn(local, refused, 10, 10_000)
  expect(local.pausedUntil).toBe(11_000)
})
