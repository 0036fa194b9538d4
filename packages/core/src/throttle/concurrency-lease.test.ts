import { createCapture } from '@lettergate/providers/capture/index'
import { expect, test } from 'vitest'
import { adoptShare, callsOf, mustSync, noteUse, renewLease } from './concurrency-lease.ts'
import { newConnectionState } from './connection-state.ts'

const isInUse = true
const none = { share: 0, fair: 4, most: 4, areOthersShort: false }

/** A worker's view of a connection with a limit of 4, of which it has this share at time 0; `rested`: the sockets that it was asked to keep. */
function stateWith(held: number, change: { areOthersShort?: boolean; most?: number } = {}) {
  const rested: number[] = []
  const provider = { ...createCapture(), rest: async () => {} }
  const state = newConnectionState('t', 'c', {
    provider,
    connection: { id: 'c', credentials: {}, settings: {} },
    connectionId: 'c',
    limits: { concurrency: 4 },
  })
  adoptShare(state, { ...none, share: held, ...change }, 0)
  return { state, rested, tell: (now = 1, used = isInUse) => renewLease(state, { isInUse: used, now }, rest) }

  function rest(_: unknown, sockets: number) {
    rested.push(sockets)
    state.share.isResting = true
  }
}

test('a share is released after its sockets are closed, and used by no call meanwhile', () => {
  const { state, rested, tell } = stateWith(4, { most: 1, areOthersShort: true })
  state.busy = 1
  expect(callsOf(state.share, 1)).toBe(1)
  expect(tell()).toMatchObject({ keeps: 4 })
  expect(tell()).toMatchObject({ keeps: 4 })
  expect(rested).toEqual([1])
  Object.assign(state.share, { restedTo: 1, isResting: false })
  expect(tell()).toMatchObject({ keeps: 1 })
  expect(callsOf(state.share, 1)).toBe(1)
})

test('a socket that was opened after the others were closed is closed first', () => {
  const { state, rested, tell } = stateWith(1, { areOthersShort: true })
  tell()
  Object.assign(state.share, { restedTo: 0, isResting: false })
  state.busy = 1
  noteUse(state)
  state.busy = 0
  expect(tell()).toMatchObject({ keeps: 1 })
  expect(rested).toEqual([0, 0])
})

test('a worker never gives up the share of its calls in progress', () => {
  const { state, tell } = stateWith(3, { most: 0, areOthersShort: true })
  state.busy = 2
  state.share.restedTo = 0
  expect(tell()).toMatchObject({ keeps: 2 })
})

test('a worker without calls keeps its share until another waits for it, and then syncs at once', () => {
  const calm = stateWith(4)
  expect(calm.tell()).toMatchObject({ keeps: 4 })
  expect(mustSync(calm.state, isInUse, 1_000)).toBe(false)
  expect(mustSync(stateWith(4, { areOthersShort: true }).state, isInUse, 1_000)).toBe(true)
  // Nor does it keep any for long.
  expect(mustSync(calm.state, false, 1_000)).toBe(true)
})

test('without a renewed lease for ten seconds, a worker starts no calls and keeps those in progress', () => {
  const { state, tell } = stateWith(4)
  state.busy = 1
  expect(callsOf(state.share, 9_999)).toBe(4)
  expect(callsOf(state.share, 10_000)).toBe(0)
  expect(tell(10_000)).toMatchObject({ keeps: 1 })
})

test('a worker that stops requests no more calls', () => {
  const { state, tell } = stateWith(4)
  noteUse(state, 3)
  expect(tell(1, false)).toMatchObject({ wants: 0 })
})
