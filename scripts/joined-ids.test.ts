import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sourceFiles } from './import-rule.ts'

const STATEMENTS = /^packages\/core\/src\/.*\/sql\/(?!.*\.test\.ts$)[^/]+\.ts$/
const WAITS_FOR_LOCKS = /\bfor (no key )?update\b|\bupdate \w+ |\bdelete from\b|refundUsage\(/
/** A join by an id, and within the same condition a range of it. */
const JOINED_IN_RANGE = /\b(\w+)\.(id|message_id) = \w+\.(?:id|message_id)\b[^;]{0,160}?\b\1\.\2 between/g

test('a statement that may wait for a lock joins partitions by joinId: Postgres 18 would lose rows of it', () => {
  const found = sourceFiles(join(import.meta.dirname, '..'))
    .filter(({ path, text }) => STATEMENTS.test(path) && WAITS_FOR_LOCKS.test(text))
    .flatMap(({ path, text }) => [...text.matchAll(JOINED_IN_RANGE)].map(([found]) => `${path}: ${found}`))
  expect(found).toEqual([])
})
