import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { failureCodes, failureHelp, failures, isFailureCode } from './failure-codes.ts'
import { isProblemCode, Problem, problemCodes, problems, problemType } from './problems.ts'
import { ValidationIssues } from './validation-issues.ts'

const pages = new URL('../../../../docs/problems/', import.meta.url)
const SECTIONS = ['What happened', 'Why', 'How to fix', 'Example']

/** Its headings, in order, each with a text below it. */
function sectionsOf(page: string): string[] {
  return Array.from(page.matchAll(/^## (.+)\n\n(?!#)\S/gm), ([, heading = '']) => heading)
}

describe('docs/problems', () => {
  test('has one page for each code of a problem or a failure, and no other page', () => {
    const files = readdirSync(pages).map((file) => file.replace(/\.md$/, ''))
    expect(files.sort()).toEqual([...problemCodes, ...failureCodes].sort())
  })

  test.each(problemCodes)(
    '%s: the page says title, status, type, what happened, why, and how to fix it',
    (code) => {
      const page = readFileSync(new URL(`${code}.md`, pages), 'utf8')
      const { status, title, summary } = problems[code]
      expect(page.split('\n')[0]).toBe(`# ${title}`)
      expect(page).toContain(`\`${code}\` · HTTP ${status}`)
      expect(page).toContain(summary)
      expect(sectionsOf(page)).toEqual(SECTIONS)
      const example = /\n## Example\n\n```json\n([\s\S]+?)\n```\n/.exec(page)?.[1] ?? 'null'
      expect(JSON.parse(example)).toMatchObject({ type: problemType(code), title, status, code })
    },
  )

  test.each(failureCodes)(
    '%s: the page says what happened to the message, why, and how to fix it',
    (code) => {
      const page = readFileSync(new URL(`${code}.md`, pages), 'utf8')
      expect(page.split('\n')[0]).toBe(`# ${failures[code].title}`)
      expect(page).toContain(failures[code].summary)
      expect(sectionsOf(page)).toEqual(SECTIONS)
      expect(page).toMatch(/\n## How to fix\n\n- /)
      const text = /\n## Example\n\n```json\n([\s\S]+?)\n```\n/.exec(page)?.[1] ?? 'null'
      const example: Record<string, unknown> = JSON.parse(text)
      expect(example).toMatchObject({ code, help: failureHelp(code) })
      const scope = example.scope === null ? '' : `, scope \`${String(example.scope)}\``
      expect(page.split('\n')[2]).toBe(`\`${code}\` · outcome \`${String(example.outcome)}\`${scope}`)
    },
  )

  test('no code is both a problem and a failure', () => {
    expect(problemCodes.filter((code) => isFailureCode(code))).toEqual([])
  })
})

describe('Problem', () => {
  test('keeps the cause for the log separate from the public text', () => {
    const problem = new Problem('storage-unavailable', { cause: new Error('password authentication failed') })
    expect(problem.cause).toBeInstanceOf(Error)
    expect(problem.message + problem.detail).not.toContain('password')
  })

  test('has the summary of its code when no detail is given', () => {
    expect(new Problem('not-found').detail).toBe(problems['not-found'].summary)
  })

  test('codes from outside are recognised, property names of Object are not', () => {
    expect(isProblemCode('not-found')).toBe(true)
    expect(isProblemCode('constructor')).toBe(false)
  })
})

test('a detail that is cut shows it', () => {
  const issues = new ValidationIssues()
  issues.add(['types'], 'x'.repeat(301))
  issues.add(['cursor'], 'x'.repeat(300))
  expect(issues.issues.map(({ detail }) => detail)).toEqual([`${'x'.repeat(299)}…`, 'x'.repeat(300)])
})
