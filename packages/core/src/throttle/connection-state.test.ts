import { createCapture } from '@lettergate/providers/capture/index'
import type { SendOutcome } from '@lettergate/providers/provider'
import { expect, test } from 'vitest'
import type { Candidate } from '../connections/index.ts'
import {
  availability,
  concurrencyMax,
  hasPending,
  learn,
  newConnectionState,
  PROBE_LEASE_MS,
  shareOf,
} from './connection-state.ts'

function stateWith(change: { room?: number; limit?: number }) {
  const { room, limit } = change
  const candidate: Candidate = {
    provider: { ...createCapture(), ...(room !== undefined && { callsMax: () => room }) },
    connection: { id: 'c', credentials: {}, settings: {} },
    connectionId: 'c',
    limits: limit === undefined ? null : { concurrency: limit },
  }
  return newConnectionState('tenant', 'c', candidate)
}

/** With this number of concurrent calls for this worker. */
const withShare = (state: ReturnType<typeof stateWith>, held: number) => ({
  ...state,
  share: { ...state.share, held, until: Number.POSITIVE_INFINITY },
})

test('concurrent calls stay within the limit of the provider’s settings and the limit of the tenant', () => {
  expect(shareOf(withShare(stateWith({ room: 2 }), 50))).toBe(2)
  expect(shareOf(withShare(stateWith({ room: 2, limit: 1 }), 50))).toBe(1)
  expect(shareOf(withShare(stateWith({ room: 20, limit: 30 }), 50))).toBe(20)
  expect(shareOf(stateWith({}))).toBe(64)
  expect(concurrencyMax(stateWith({}))).toBe(400)
})

test('with a concurrency limit, a worker makes only the calls of its lease', () => {
  expect(shareOf(stateWith({ limit: 10 }))).toBe(0)
  const state = withShare(stateWith({ limit: 10 }), 4)
  expect(shareOf(state)).toBe(4)
  expect(shareOf({ ...state, share: { ...state.share, most: 1 } })).toBe(1)
  expect(shareOf({ ...state, share: { ...state.share, until: performance.now() - 1 } })).toBe(0)
})

test('without a concurrency limit, workers share the estimated capacity of a connection, and each gets a part', () => {
  expect(shareOf({ ...stateWith({}), workers: 4 })).toBe(16)
  expect(shareOf({ ...stateWith({}), workers: 400 })).toBe(1)
})

test('halving starts from the number of calls in use, also for a connection without a limit', () => {
  const state = withShare(stateWith({ room: 20 }), 20)
  learn(state, { kind: 'deferred', code: 'provider-rate-limited', reason: 'too fast' }, 10, 2_000)
  expect(shareOf(state)).toBe(10)
})

test.each<[string, SendOutcome, number]>([
  ['that is asked to slow down', { kind: 'deferred', code: 'provider-rate-limited', reason: '429' }, 32],
  ['that gives no answer in time', { kind: 'unknown', code: 'outcome-unknown', reason: 'no answer' }, 32],
  ['that cannot be reached in time', { kind: 'deferred', code: 'provider-unreachable', reason: 'late' }, 32],
  ['that has trouble of its own', { kind: 'deferred', code: 'provider-unavailable', reason: '503' }, 64],
])('a connection %s is allowed that number of calls from then on', (_name, outcome, calls) => {
  const state = stateWith({})
  learn(state, outcome, 10, 2_000)
  expect(shareOf(state)).toBe(calls)
})

test('success does not raise the estimate above the limit', () => {
  const state = withShare({ ...stateWith({ room: 2 }), concurrency: 2, busy: 2 }, 50)
  for (let call = 0; call < 100; call++) learn(state, { kind: 'accepted', providerMessageId: 'x' }, 10, call)
  expect(shareOf(state)).toBe(2)
})

test('single calls do not change the estimated capacity of a connection, and cause no sync', () => {
  const accepted: SendOutcome = { kind: 'accepted', providerMessageId: 'x' }
  const [quiet, busy] = [stateWith({}), { ...stateWith({}), busy: 40 }]
  for (let call = 0; call < 100; call++) for (const state of [quiet, busy]) learn(state, accepted, 10, call)
  expect([quiet.concurrency, hasPending(quiet)]).toEqual([64, false])
  expect([busy.concurrency > 65, hasPending(busy)]).toEqual([true, true])
})

/** When a message is looked at that comes when a probe begins, and waits for it; by the shortest waits. */
function looks(probeMs: number): number[] {
  const state = { ...stateWith({}), circuit: 'half-open' as const, probeUntil: PROBE_LEASE_MS }
  const times: number[] = []
  for (let at = 0; at < probeMs; ) {
    times.push(at)
    const found = availability(state, at)
    at += found.kind === 'blocked' ? found.forMs : Number.POSITIVE_INFINITY
  }
  return times
}

test('messages that wait for an unanswered probe are checked less and less often', () => {
  expect(looks(25_000)).toEqual([0, 2_000, 4_000, 8_000, 16_000, 24_000])
  expect(looks(PROBE_LEASE_MS).length).toBeLessThanOrEqual(12)
})

test('an early answer of a probe is noticed soon, and any answer within ten seconds', () => {
  const lateBy = (ms: number) => (looks(ms + 10_000).find((at) => at >= ms) ?? Number.POSITIVE_INFINITY) - ms
  expect(lateBy(100)).toBeLessThanOrEqual(2_000)
  expect(lateBy(3_000)).toBeLessThanOrEqual(3_000)
  for (let ms = 0; ms < 49_000; ms += 500) expect(lateBy(ms)).toBeLessThanOrEqual(8_000)
})

test('calls that are refused together cause one pause, and later refusals a longer one', () => {
  const state = stateWith({})
  const refused: SendOutcome = { kind: 'deferred', code: 'provider-rate-limited', reason: 'too fast' }
  const pauses = [0, 2_000, 5_000].map((at) => {
    for (let call = 0; call < 50; call++) learn(state, refused, 10, at)
    return state.pausedUntil - at
  })
  expect(pauses).toEqual([1_000, 2_000, 4_000])
  learn(state, { kind: 'accepted', providerMessageId: 'x' }, 10, 10_000)
  learn(state, refused, 10, 10_000)
  expect(state.pausedUntil).toBe(11_000)
})

test('case 17: a pause is as long as the provider asks, until it has asked too often without success', () => {
  const state = stateWith({})
  const refused: SendOutcome = {
    kind: 'deferred',
    code: 'provider-rate-limited',
    reason: '429',
    retryAfterMs: 1_000,
  }
  const pauses = Array.from({ length: 14 }, (_, index) => {
    const at = index * 100_000
    learn(state, refused, 10, at)
    return state.pausedUntil - at
  })
  expect(pauses.map((ms) => ms / 1_000)).toEqual([1, 1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 60, 60, 60])
})
