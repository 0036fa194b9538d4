import { expect, test } from 'vitest'
import { BatcherFull, createBatcher } from './batcher.ts'

function controlled(options: {
  itemsMax: number
  inFlightMax: number
  waitingMax?: number
  weightMax?: number
  weigh?: (item: number) => number
}) {
  const batches: { items: number[]; finish(results?: (number | Error)[]): void; fail(error: Error): void }[] =
    []
  const batcher = createBatcher<number, number>({
    waitingMax: 100,
    ...options,
    run: (items) =>
      new Promise((resolve, reject) =>
        batches.push({
          items,
          finish: (results) => resolve(results ?? items.map((item) => item * 10)),
          fail: reject,
        }),
      ),
  })
  return { batcher, batches }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('calls of one turn share a batch, and calls during that batch share the next', async () => {
  const { batcher, batches } = controlled({ itemsMax: 10, inFlightMax: 1 })
  const first = [batcher.add(1), batcher.add(2)]
  await turn()
  const second = [batcher.add(3), batcher.add(4)]
  await turn()
  expect(batches.map((batch) => batch.items)).toEqual([[1, 2]])
  batches[0]?.finish()
  expect(await Promise.all(first)).toEqual([10, 20])
  await turn()
  expect(batches.map((batch) => batch.items)).toEqual([
    [1, 2],
    [3, 4],
  ])
  batches[1]?.finish()
  await Promise.all(second)
})

test('no batch is larger than allowed, and no more batches run than allowed', async () => {
  const { batcher, batches } = controlled({ itemsMax: 2, inFlightMax: 2 })
  const all = [1, 2, 3, 4, 5].map((item) => batcher.add(item))
  await turn()
  expect(batches.map((batch) => batch.items)).toEqual([
    [1, 2],
    [3, 4],
  ])
  for (const batch of batches) batch.finish()
  await turn()
  batches[2]?.finish()
  expect(await Promise.all(all)).toEqual([10, 20, 30, 40, 50])
})

test('an error in the answers rejects only that item', async () => {
  const { batcher, batches } = controlled({ itemsMax: 10, inFlightMax: 1 })
  const results = Promise.allSettled([batcher.add(1), batcher.add(2)])
  await turn()
  batches[0]?.finish([new Error('this one'), 20])
  expect((await results).map((result) => result.status)).toEqual(['rejected', 'fulfilled'])
})

test('an item is answered early, while its batch still works on others', async () => {
  const rest = Promise.withResolvers<number[]>()
  const batcher = createBatcher<number, number>({
    itemsMax: 10,
    inFlightMax: 1,
    waitingMax: 100,
    run(items, answer) {
      answer(2, 20)
      answer(3, new Error('this one'))
      return rest.promise.then((result) => items.map(() => result[0] ?? 0))
    },
  })
  const [late, early, refused] = [batcher.add(1), batcher.add(2), batcher.add(3)]
  await expect(refused).rejects.toThrow('this one')
  expect(await early).toBe(20)
  expect(batcher.size()).toBe(3)
  rest.resolve([10])
  expect(await late).toBe(10)
  expect(await early).toBe(20)
})

test('a failed batch rejects its items, and the next one runs', async () => {
  const { batcher, batches } = controlled({ itemsMax: 10, inFlightMax: 1 })
  const failing = batcher.add(1)
  await turn()
  const next = batcher.add(2)
  batches[0]?.fail(new Error('lost'))
  await expect(failing).rejects.toThrow('lost')
  await turn()
  batches[1]?.finish()
  expect(await next).toBe(20)
})

test('items beyond the waiting limit are refused immediately', async () => {
  const { batcher, batches } = controlled({ itemsMax: 1, inFlightMax: 1, waitingMax: 1 })
  const running = batcher.add(1)
  await turn()
  const waiting = batcher.add(2)
  await expect(batcher.add(3)).rejects.toBeInstanceOf(BatcherFull)
  batches[0]?.finish()
  await running
  await turn()
  batches[1]?.finish()
  await waiting
})

test('drain waits for everything that was added', async () => {
  const { batcher, batches } = controlled({ itemsMax: 1, inFlightMax: 1 })
  const results = [batcher.add(1), batcher.add(2)]
  let drained = false
  const draining = batcher.drain().then(() => {
    drained = true
  })
  await turn()
  batches[0]?.finish()
  await results[0]
  await turn()
  expect(drained).toBe(false)
  batches[1]?.finish()
  await draining
  expect(batcher.size()).toBe(0)
})

test('while a large batch runs, a small one waits briefly for more items', async () => {
  const { batcher, batches } = controlled({ itemsMax: 10, inFlightMax: 2 })
  const first = [1, 2, 3, 4].map((item) => batcher.add(item))
  await turn()
  const second = [batcher.add(5)]
  await turn()
  expect(batches.map((batch) => batch.items)).toEqual([[1, 2, 3, 4]])
  second.push(...[6, 7, 8].map((item) => batcher.add(item)))
  await turn()
  expect(batches.map((batch) => batch.items)).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ])
  batches[0]?.finish()
  await Promise.all(first)
  const third = batcher.add(9)
  while (batches.length < 3) await turn()
  batches[1]?.finish()
  batches[2]?.finish()
  expect(await Promise.all([...second, third])).toEqual([50, 60, 70, 80, 90])
})

test('a batch ends with the item that exceeds its weight', async () => {
  const { batcher, batches } = controlled({
    itemsMax: 4,
    inFlightMax: 1,
    weightMax: 10,
    weigh: (item) => item,
  })
  const answers = Promise.all([4, 3, 9, 20, 1, 1, 1, 1, 1].map((item) => batcher.add(item)))
  for (let batch = 0; batch < 4; batch++) {
    await turn()
    batches[batch]?.finish()
  }
  await answers
  expect(batches.map(({ items }) => items)).toEqual([[4, 3, 9], [20], [1, 1, 1, 1], [1]])
})
