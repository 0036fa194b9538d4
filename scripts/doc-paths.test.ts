import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkoutErrors, missingPaths } from './doc-paths.ts'

test('every source file that a page names exists', () => {
  expect(checkoutErrors(join(import.meta.dirname, '..'))).toEqual([])
})

test.each(['`packages/a/src/b/c.ts`', '(`b/c.ts`:', '[c](../packages/a/src/b/c.ts)', 'c.ts.'])(
  'a path may be complete or the end of one: %s',
  (page) => {
    expect(missingPaths(page, ['packages/a/src/b/c.ts'])).toEqual([])
  },
)

test.each(['`a/c.ts`', '`bc.ts`', '`b/d.ts`'])('a path of no file is found: %s', (page) => {
  expect(missingPaths(page, ['packages/a/src/b/bbc.ts', 'packages/a/src/b/c.ts'])).toHaveLength(1)
})
