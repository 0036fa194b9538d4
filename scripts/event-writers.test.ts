import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sourceFiles } from './import-rule.ts'

const WRITES = /\binsert\s+into\s+(event|feed)\b/i
const SHIPPED = /^(apps|packages)\/(?!.*\.test\.ts$)[^/]+\/src\//

test('only one file writes events and the feed, and it always writes both', () => {
  const writers = sourceFiles(join(import.meta.dirname, '..'))
    .filter(({ path, text }) => SHIPPED.test(path) && WRITES.test(text))
    .map(({ path }) => path)
  expect(writers).toEqual(['packages/core/src/lib/sql/append-events.ts'])
})
