import { readFileSync } from 'node:fs'
import { failureCodes as publicCodes } from '@lettergate/contracts/problems/failure-codes'
import { failureCodes } from '@lettergate/providers/lib/failures'
import { toFailure } from '@lettergate/providers/lib/to-failure'
import { expect, test } from 'vitest'

test('the API has every failure that a provider may report, and no other', () => {
  expect(
    [...publicCodes].sort(),
    'write a row for each in packages/contracts/src/problems/failure-codes.ts and packages/providers/src/lib/failures.ts',
  ).toEqual([...failureCodes].sort())
})

test.each(failureCodes)('the page of %s says what the failure means for the message', (code) => {
  const page = readFileSync(new URL(`../../../../docs/problems/${code}.md`, import.meta.url), 'utf8')
  const outcome = toFailure(code, '')
  const scope = outcome.kind === 'rejected' ? `, scope \`${outcome.scope}\`` : ''
  expect(page.split('\n')[2]).toBe(`\`${code}\` · outcome \`${outcome.kind}\`${scope}`)
})
