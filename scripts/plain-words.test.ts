import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkoutErrors, commentFaults, inTexts, pageFaults, sourceFaults } from './plain-words.ts'

const root = join(import.meta.dirname, '..')

test('this checkout is written in plain words', () => {
  expect(checkoutErrors(root)).toEqual([])
})

test('CONTRIBUTING.md shows a word of each entry of the list, and no other word', () => {
  const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
  const rows = page.slice(page.indexOf('| not | but |')).split('\n\n')[0]?.split('\n').slice(2) ?? []
  const shown = rows.flatMap((row) =>
    Array.from(row.split('|')[1]?.matchAll(/`([^`]+)`/g) ?? [], ([, word = '']) => word),
  )
  const entriesWith = (word: string) => inTexts.filter(({ pattern }) => word.replace(pattern, '') === '')
  expect(shown.filter((word) => entriesWith(word).length === 0)).toEqual([])
  expect(new Set(shown.flatMap(entriesWith)).size).toBe(inTexts.length)
})

test.each([
  ['a line later', 'One.\nThe worker was\ntold.', 'a.md:3: "told"'],
  ['over a line break', 'It waits so\n  long.', 'a.md:1: "so long"'],
  ['in a table', '| a | b |\n|---|---|\n| The portion | x |', 'a.md:3: "portion"'],
])('a word of a page is found %s', (_, text, start) => {
  expect(pageFaults('a.md', text)).toEqual([expect.stringContaining(start)])
})

test.each(['What is stored stays.', 'It works. Nobody asks.', '- Those that fail.', '| So it goes. |'])(
  'a sentence without a subject at its beginning is found: %s',
  (text) => {
    expect(pageFaults('a.md', text)).toEqual([expect.stringContaining('begin with the subject')])
  },
)

test.each([
  '## What happened',
  'What is stored?',
  'Use `told`.',
  '```sql\nselect told\n```',
  'Untold, told-limits.',
])('headings, questions, code and longer words are no fault: %s', (text) => {
  expect(pageFaults('a.md', text)).toEqual([])
})

test('texts of a source are its strings of several words, not its names or comments', () => {
  const source = "// whoever reads\nconst told = 'told'\nthrow new Error('the value was told')\n"
  expect(sourceFaults('a.ts', source)).toEqual(['a.ts:3: "told": write reported, said'])
  expect(commentFaults('a.ts', source)).toEqual([expect.stringContaining('a.ts:1: "whoever"')])
})

test('comments of settings and of compose files are texts', () => {
  expect(pageFaults('a.yml', '# Whoever reads.\na: 1\n')).toHaveLength(2)
})

test('of SQL, only literals are texts', () => {
  const source = "const text = `with told as (select 1) update x set reason = 'after a try' from told`\n"
  expect(sourceFaults('packages/core/src/a/sql/b.ts', source)).toEqual([expect.stringContaining('"a try"')])
})
