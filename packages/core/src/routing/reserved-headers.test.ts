import { readHeaders } from '@lettergate/contracts/messages/header-rules'
import { ValidationIssues } from '@lettergate/contracts/problems/validation-issues'
import type { Provider } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import { expect, test } from 'vitest'

test('no client sets a header field that is an order to a provider', () => {
  const isAllowed = (name: string) => {
    const issues = new ValidationIssues()
    readHeaders({ [name]: 'x' }, issues)
    return !issues.issues.some(({ code }) => code === 'header-not-allowed')
  }
  expect(isAllowed('x-note')).toBe(true)
  const all = Object.values<Provider>(createProviders()).flatMap(({ capabilities }) => capabilities.orders)
  const missing = all.filter((start) => isAllowed(`${start}x`))
  expect(missing, 'add these to reservedPrefixes in packages/contracts/src/messages/header-rules.ts').toEqual(
    [],
  )
})
