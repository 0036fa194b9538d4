import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongFilesFirst } from './scripts/test-order.ts'

const FAULT_TESTS = 'faults/**/*.fault.test.ts'
/** The fault tests that every push must pass, one for each kind of loss; `npm run faults` runs all of them. */
const PUSH_FAULT_TESTS = 'faults/{t01-api,t02-worker,t04,t11,t27-quota,t36}-*.fault.test.ts'

/** Processes that tests start keep their compiled code where `npm run api` keeps it: loading takes a third less of the processor. */
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'node') }

/** Each kills and restarts a gateway of its own under load: after everything else. */
function faultProject(name: string, include: string, maxWorkers: number, groupOrder: number) {
  return {
    test: {
      name,
      include: [include],
      env,
      maxWorkers,
      sequence: { groupOrder },
      testTimeout: 300_000,
      hookTimeout: 60_000,
    },
  }
}

export default defineConfig({
  test: {
    // `npm run faults` runs file by file and reads each report.
    reporters: ['default', ['json', { outputFile: process.env.TEST_REPORT ?? 'coverage/test-report.json' }]],
    sequence: { sequencer: LongFilesFirst },
    projects: [
      {
        test: {
          name: 'tests',
          include: ['{apps,packages,bench,faults,scripts}/**/*.test.ts'],
          exclude: [FAULT_TESTS, '**/node_modules/**'],
          globalSetup: ['scripts/test-setup.ts'],
          env,
          // Modules keep no state, and each file restores what it replaces: loading all of them again for each file took as long as half of the tests.
          isolate: false,
          // Files wait for half of their time, and start processes of their own: one more than cores keeps the cores busy, and many more
          // would miss deadlines that the product promises.
          maxWorkers: availableParallelism() + 1,
          // Tests that run at the same time within a file are those that wait.
          maxConcurrency: 8,
          sequence: { groupOrder: 1 },
          // Real databases and processes: slow only on a busy machine, never by design.
          testTimeout: 90_000,
          hookTimeout: 60_000,
        },
      },
      // Two at a time: what they promise has no bounds in time, and a gateway that starts again waits more than it computes.
      faultProject('push-faults', PUSH_FAULT_TESTS, 2, 2),
      faultProject('faults', FAULT_TESTS, 1, 3),
    ],
  },
})
