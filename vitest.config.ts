import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongFilesFirst } from './scripts/test-order.ts'

const FAULT_TESTS = 'faults/**/*.fault.test.ts'
/** The fault tests that every push must pass, one for each kind of loss; `npm run faults` runs all of them. */
const PUSH_FAULT_TESTS = 'faults/{t01-api,t02-worker,t04,t11,t27-quota,t36}-*.fault.test.ts'

/** Processes that tests start keep their compiled code where `npm run api` keeps it: loading takes a third less of the processor. */
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'node') }

/** Each kills and restarts a gateway of its own under load: one at a time, and after everything else. */
function faultProject(name: string, include: string) {
  return {
    test: {
      name,
      include: [include],
      env,
      fileParallelism: false,
      sequence: { groupOrder: 2 },
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
          // Files start processes of their own: with more workers than cores, deadlines that a product promises are missed by the machine.
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 1 },
          // Real databases and processes: slow only on a busy machine, never by design.
          testTimeout: 90_000,
          hookTimeout: 60_000,
        },
      },
      faultProject('push-faults', PUSH_FAULT_TESTS),
      faultProject('faults', FAULT_TESTS),
    ],
  },
})
