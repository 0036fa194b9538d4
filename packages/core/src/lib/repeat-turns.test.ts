import { expect, test } from 'vitest'
import { repeatTurns } from './repeat-turns.ts'

test('a turn that fails is reported, and the next one comes; stop waits for the turn under way and starts no other', async () => {
  const errors: unknown[] = []
  let turns = 0
  let end = () => {}
  const third = Promise.withResolvers<void>()
  const work = repeatTurns(
    async (signal) => {
      turns++
      if (turns === 1) throw new Error('first')
      if (turns < 3) return 0
      third.resolve()
      await new Promise<void>((resolve) => {
        end = resolve
      })
      expect(signal.aborted).toBe(true)
      return 0
    },
    { errorMs: 1, onError: (error) => errors.push(error) },
  )
  work.start()
  work.start()
  await third.promise
  const stopped = work.stop()
  end()
  await stopped
  expect([turns, errors.length]).toEqual([3, 1])
})

test('a turn that is woken comes without its wait, also if it is woken while the turn before is under way', async () => {
  const startedAt = Date.now()
  const all = Promise.withResolvers<void>()
  let turns = 0
  const work = repeatTurns(
    async () => {
      turns++
      if (turns < 3) work.wake()
      if (turns === 3) all.resolve()
      return 60_000
    },
    { firstMs: 60_000, errorMs: 1, onError: () => {} },
  )
  work.start()
  setTimeout(work.wake, 1)
  await all.promise
  await work.stop()
  expect(turns).toBe(3)
  expect(Date.now() - startedAt).toBeLessThan(30_000)
})
