import { expect, test } from 'vitest'
import { startProcess } from './processes.ts'
import { supervise } from './supervisor.ts'

function startSleeper(round: number) {
  return startProcess({ name: `sleeper ${round}`, command: 'sleep', args: ['60'] })
}

test('a process that dies is started again, and a process that was stopped stays stopped', async () => {
  const supervised = await supervise({ start: async (round) => startSleeper(round) })
  await supervised.current().kill('SIGKILL')
  await expect.poll(() => supervised.deaths() === 1 && supervised.current().running()).toBe(true)
  await supervised.stop()
  expect(supervised.current().running()).toBe(false)
  expect(supervised.deaths()).toBe(1)
})

test('a stop during a restart ends the new process too', async () => {
  const restarted = Promise.withResolvers<void>()
  const supervised = await supervise({
    start: async (round) => {
      if (round > 0) await restarted.promise
      return startSleeper(round)
    },
  })
  await supervised.current().kill('SIGKILL')
  await expect.poll(() => supervised.deaths()).toBe(1)
  const stopped = supervised.stop()
  restarted.resolve()
  await stopped
  expect(supervised.current()).toMatchObject({ name: 'sleeper 1' })
  expect(supervised.current().running()).toBe(false)
})
