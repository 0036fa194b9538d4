import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { filesOnPage } from './report-page.ts'

const page = readFileSync(new URL('../../docs/faults.md', import.meta.url), 'utf8')
const files = globSync('t*.fault.test.ts', { cwd: new URL('../', import.meta.url) }).sort()

test('docs/faults.md has a row of every fault test, and no other', () => {
  expect(filesOnPage(page).sort()).toEqual(files)
})

test('no row of docs/faults.md was written by a run that failed', () => {
  expect(page).not.toContain('**failed**')
})
