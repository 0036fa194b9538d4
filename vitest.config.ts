import { defineConfig } from 'vitest/config'

const FAULT_TESTS = 'faults/**/*.fault.test.ts'

export default defineConfig({
  test: {
    reporters: ['default', ['json', { outputFile: 'coverage/test-report.json' }]],
    projects: [
      {
        test: {
          name: 'tests',
          include: ['{apps,packages,bench,faults,scripts}/**/*.test.ts'],
          exclude: [FAULT_TESTS, '**/node_modules/**'],
          globalSetup: ['scripts/test-setup.ts'],
          // Most files wait for Postgres or a process: the default of one core fewer would leave half of two idle.
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
          // Real databases and processes: slow only on a busy machine, never by design.
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: [FAULT_TESTS],
          // Each kills and restarts a gateway of its own under load: one at a time, and after everything else.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
