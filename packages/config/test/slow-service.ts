import { setTimeout as sleep } from 'node:timers/promises'
import { runService } from '../src/run-service.ts'

/** Takes half a second to stop; `broken`: does not start. */
runService('The test', async () => {
  if (process.argv[2] === 'broken') throw new Error('no port')
  const alive = setInterval(() => {}, 1_000)
  // Once it listens to signals.
  setImmediate(() => process.stdout.write('ready\n'))
  return {
    async stop() {
      process.stdout.write('stopping\n')
      await sleep(500)
      process.stdout.write('stopped\n')
      clearInterval(alive)
    },
    onError() {},
  }
})
