import { expect, test } from 'vitest'
import { createBudget } from './budget.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('no more bytes are held than the budget, and waiters come in order', async () => {
  const budget = createBudget(10)
  const releaseFirst = await budget.take(8)
  const order: string[] = []
  const second = budget.take(5).then((release) => {
    order.push('second')
    return release
  })
  const third = budget.take(1).then((release) => {
    order.push('third')
    return release
  })
  await turn()
  expect(order).toEqual([])
  releaseFirst()
  await Promise.all([second, third])
  expect(order).toEqual(['second', 'third'])
})

test('an item larger than the budget is let in alone', async () => {
  const budget = createBudget(10)
  const release = await budget.take(50)
  let entered = false
  const next = budget.take(1).then(() => {
    entered = true
  })
  await turn()
  expect(entered).toBe(false)
  release()
  await next
})

test('a second release of the same item frees nothing', async () => {
  const budget = createBudget(2)
  const release = await budget.take(1)
  await budget.take(1)
  release()
  release()
  await budget.take(1)
  let entered = false
  void budget.take(1).then(() => {
    entered = true
  })
  await turn()
  expect(entered).toBe(false)
})
