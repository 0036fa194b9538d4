import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{apps,packages,bench,faults,scripts}/**/*.test.ts'],
    globalSetup: ['scripts/test-setup.ts'],
    reporters: ['default', ['json', { outputFile: 'coverage/test-report.json' }]],
    // Real databases and processes: slow only on a busy machine, never by design.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
