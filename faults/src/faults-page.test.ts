import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { promises } from './promises.ts'
import { filesOnPage, rewritePage, testsOnPage } from './report-page.ts'

const page = readFileSync(new URL('../../docs/faults.md', import.meta.url), 'utf8')
const files = globSync('t*.fault.test.ts', { cwd: new URL('../', import.meta.url) }).sort()

test('docs/faults.md has a row for every fault test, and no other row', () => {
  expect(filesOnPage(page).sort()).toEqual(files)
})

test('every row of docs/faults.md has its promise in plain words, and every promise has a row', () => {
  expect(testsOnPage(page).sort()).toEqual(Object.keys(promises).sort())
})

test('docs/faults.md shows the promises of the table', () => {
  expect(rewritePage(page, { rows: [], commit: '', files, about: undefined })).toBe(page)
})

test('no row of docs/faults.md was written by a run that failed', () => {
  expect(page).not.toContain('**failed**')
})
