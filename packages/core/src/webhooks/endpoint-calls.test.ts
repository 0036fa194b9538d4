import { expect, test } from 'vitest'
import { createEndpointCalls } from './endpoint-calls.ts'

test('an endpoint has eight calls under way at most, and each that ends makes room for one', async () => {
  const calls = createEndpointCalls()
  const ends: ((isOk: boolean) => void)[] = []
  for (let call = 0; call < 20; call++) void calls.begin().then((end) => ends.push(end))
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  await turn()
  expect(ends).toHaveLength(8)
  ends[3]?.(false)
  await turn()
  expect(ends).toHaveLength(9)
})

test('a success says that the endpoint answers, whatever the calls before it come to', async () => {
  const calls = createEndpointCalls()
  const [first, second] = [await calls.begin(), await calls.begin()]
  expect(calls.inDoubt()).toBe(2)
  second(true)
  expect(calls.inDoubt()).toBe(0)
  await calls.begin()
  first(false)
  expect(calls.inDoubt()).toBe(1)
})
