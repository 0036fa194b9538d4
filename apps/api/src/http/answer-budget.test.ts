import { Problem } from '@lettergate/contracts/problems/problems'
import { expect, test } from 'vitest'
import { createAnswerBudget } from './answer-budget.ts'

const MB = 1024 * 1024

function refusalOf(take: () => unknown): Problem {
  try {
    take()
  } catch (error) {
    if (error instanceof Problem) return error
  }
  throw new Error('it was not refused')
}

test('one tenant gets half of the budget, others share the other half, and each refusal says when to retry', () => {
  const budget = createAnswerBudget(10 * MB)
  const release = budget.take('a', 5 * MB)
  const own = refusalOf(() => budget.take('a', MB))
  expect(own).toMatchObject({ code: 'rate-limited', headers: { 'retry-after': '2' } })
  budget.take('b', 4 * MB)
  expect(refusalOf(() => budget.take('c', 2 * MB))).toMatchObject({
    code: 'overloaded',
    headers: { 'retry-after': '2' },
  })
  release()
  release()
  expect(budget.used()).toBe(4 * MB)
  budget.take('c', 2 * MB)
})

test('small answers take nothing from the budget, and an answer larger than the budget is sent alone', () => {
  const budget = createAnswerBudget(MB)
  const release = budget.take('a', 20 * MB)
  budget.take('a', 64 * 1024)
  expect(refusalOf(() => budget.take('b', MB)).code).toBe('overloaded')
  release()
  expect(budget.used()).toBe(0)
})
