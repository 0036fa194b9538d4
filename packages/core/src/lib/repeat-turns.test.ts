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
