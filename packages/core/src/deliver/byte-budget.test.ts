import { expect, test } from 'vitest'
import { createBudget } from './byte-budget.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Takes bytes, and records the admitted callers in order. */
function watch(budget: ReturnType<typeof createBudget>) {
  const order: string[] = []
  const take = (tenantId: string, bytes: number, name: string) =>
    budget.take(tenantId, bytes).then((release) => {
      order.push(name)
      return release
    })
  return { order, take }
}

test('the held bytes never exceed the budget, and waiters are served in order', async () => {
  const { order, take } = watch(createBudget(10, 0))
  const releaseFirst = await take('a', 8, 'first')
  const second = take('b', 5, 'second')
  const third = take('c', 1, 'third')
  await turn()
  expect(order).toEqual(['first'])
  releaseFirst()
  await Promise.all([second, third])
  expect(order).toEqual(['first', 'second', 'third'])
})

test('an item larger than the budget is admitted when nothing else is held', async () => {
  const { order, take } = watch(createBudget(10, 0))
  const release = await take('a', 50, 'large')
  const next = take('b', 1, 'next')
  await turn()
  expect(order).toEqual(['large'])
  release()
  await next
})

test('a tenant that holds its share delays no other, and small items never wait', async () => {
  const { order, take } = watch(createBudget(10, 1))
  await take('a', 5, 'a1')
  void take('a', 5, 'a2')
  await turn()
  expect(order).toEqual(['a1'])
  await take('b', 5, 'b1')
  await take('a', 1, 'a small')
  expect(order).toEqual(['a1', 'b1', 'a small'])
})

test('tenants take turns, for any number of waiting items of one of them', async () => {
  const { order, take } = watch(createBudget(10, 0))
  const release = await take('c', 10, 'c')
  const rest = [take('a', 10, 'a1'), take('a', 10, 'a2'), take('b', 10, 'b1')].map(async (taken) =>
    (await taken)(),
  )
  release()
  await Promise.all(rest)
  expect(order).toEqual(['c', 'a1', 'b1', 'a2'])
})

test('a second release of the same item frees nothing', async () => {
  const budget = createBudget(2, 0)
  const { order, take } = watch(budget)
  const release = await take('a', 1, 'a')
  await take('b', 1, 'b')
  release()
  release()
  await take('c', 1, 'c')
  void take('d', 1, 'd')
  await turn()
  expect(order).toEqual(['a', 'b', 'c'])
})

test('a caller that does not wait gets the reason for the refusal, and holds no bytes', async () => {
  const budget = createBudget(10, 1)
  const release = budget.takeNow('a', 5)
  expect(budget.takeNow('a', 2)).toBe('own')
  expect(budget.takeNow('b', 6)).toBe('all')
  expect(budget.used()).toBe(5)
  if (typeof release === 'string') throw new Error('the first was refused')
  release()
  expect(budget.used()).toBe(0)
})
