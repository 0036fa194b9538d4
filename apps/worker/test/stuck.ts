import { startWatchdog } from '../src/watchdog.ts'

/** A process for `watchdog.test.ts`: its main thread is stuck soon, or has nothing to do. */
startWatchdog(1_000)
if (process.argv[2] === 'stuck')
  setTimeout(() => {
    for (;;);
  }, 300)
