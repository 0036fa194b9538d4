import { createCapture } from '@lettergate/providers/capture/index'
import { expect, test } from 'vitest'
import { callsOf, keep, mustTell, noteUse, takeShare } from './concurrency-lease.ts'
import { newLocal } from './connection-state.ts'

const isInUse = true
const none = { share: 0, fair: 4, most: 4, areOthersShort: false }

/** A worker's view of a connection with a limit of 4, of which it has so many at 0; `rested`: what its provider was asked to close down to. */
function localWith(held: number, change: { areOthersShort?: boolean; most?: number } = {}) {
  const rested: number[] = []
  const provider = { ...createCapture(), rest: async () => {} }
  const local = newLocal('t', 'c', {
    ...{ provider, connection: { id: 'c', credentials: {}, settings: {} }, connectionId: 'c' },
    limits: { concurrency: 4 },
  })
  takeShare(local, { ...none, share: held, ...change }, 0)
  return { local, rested, tell: (now = 1, used = isInUse) => keep(local, { isInUse: used, now }, rest) }

  function rest(_: unknown, sockets: number) {
    rested.push(sockets)
    local.share.isResting = true
  }
}

test('what is given up is given up once its sockets are closed, and used by no call meanwhile', () => {
  const { local, rested, tell } = localWith(4, { most: 1, areOthersShort: true })
  local.busy = 1
  expect(callsOf(local.share, 1)).toBe(1)
  expect(tell()).toMatchObject({ keeps: 4 })
  expect(tell()).toMatchObject({ keeps: 4 })
  expect(rested).toEqual([1])
  Object.assign(local.share, { restedTo: 1, isResting: false })
  expect(tell()).toMatchObject({ keeps: 1 })
  expect(callsOf(local.share, 1)).toBe(1)
})

test('a socket that was opened after the others were closed is closed first', () => {
  const { local, rested, tell } = localWith(1, { areOthersShort: true })
  tell()
  Object.assign(local.share, { restedTo: 0, isResting: false })
  local.busy = 1
  noteUse(local)
  local.busy = 0
  expect(tell()).toMatchObject({ keeps: 1 })
  expect(rested).toEqual([0, 0])
})

test('calls under way are never given up', () => {
  const { local, tell } = localWith(3, { most: 0, areOthersShort: true })
  local.busy = 2
  local.share.restedTo = 0
  expect(tell()).toMatchObject({ keeps: 2 })
})

test('who makes no call keeps what it has while nobody waits for it, and tells at once when somebody does', () => {
  const calm = localWith(4)
  expect(calm.tell()).toMatchObject({ keeps: 4 })
  expect(mustTell(calm.local, isInUse, 1_000)).toBe(false)
  expect(mustTell(localWith(4, { areOthersShort: true }).local, isInUse, 1_000)).toBe(true)
  // Nor does it keep any for long.
  expect(mustTell(calm.local, false, 1_000)).toBe(true)
})

test('who was told nothing for ten seconds begins no call, and keeps what is under way alone', () => {
  const { local, tell } = localWith(4)
  local.busy = 1
  expect(callsOf(local.share, 9_999)).toBe(4)
  expect(callsOf(local.share, 10_000)).toBe(0)
  expect(tell(10_000)).toMatchObject({ keeps: 1 })
})

test('who stops asks for nothing more', () => {
  const { local, tell } = localWith(4)
  noteUse(local, 3)
  expect(tell(1, false)).toMatchObject({ wants: 0 })
})
