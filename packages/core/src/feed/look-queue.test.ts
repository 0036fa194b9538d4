import { expect, test } from 'vitest'
import { createLookQueue } from './look-queue.ts'

/** Something whose looks are ended by the test. */
function createLooked(begun: string[], name: string) {
  const ends: { resolve(): void; reject(error: Error): void }[] = []
  let wake = () => {}
  return {
    look() {
      begun.push(name)
      wake()
      return new Promise<void>((resolve, reject) => ends.push({ resolve, reject }))
    },
    begins: () =>
      new Promise<void>((resolve) => {
        wake = resolve
      }),
    end: (error?: Error) => (error ? ends.shift()?.reject(error) : ends.shift()?.resolve()),
  }
}

function createQueue(errors: unknown[] = []) {
  const bounds = { looksMax: 2, restMs: 1, restAfterFailureMs: 2 }
  return createLookQueue({ ...bounds, onError: (error) => void errors.push(error) })
}

test('looks at no more than so many at the same time, the others in their order', async () => {
  const begun: string[] = []
  const [a, b, c] = [createLooked(begun, 'a'), createLooked(begun, 'b'), createLooked(begun, 'c')]
  const queue = createQueue()
  for (const item of [a, b, c]) queue.add(item)
  expect(begun).toEqual(['a', 'b'])
  const third = c.begins()
  a.end()
  await third
  expect(begun).toEqual(['a', 'b', 'c'])
})

test('news during a look, however often, makes one more look after it', async () => {
  const begun: string[] = []
  const a = createLooked(begun, 'a')
  const queue = createQueue()
  for (let i = 0; i < 5; i++) queue.add(a)
  expect(begun).toEqual(['a'])
  const again = a.begins()
  a.end()
  await again
  expect(begun).toEqual(['a', 'a'])
})

test('a look that fails is reported and repeated', async () => {
  const [begun, errors]: [string[], unknown[]] = [[], []]
  const a = createLooked(begun, 'a')
  const queue = createQueue(errors)
  queue.add(a)
  const again = a.begins()
  a.end(new Error('away'))
  await again
  expect(errors).toEqual([new Error('away')])
  expect(begun).toEqual(['a', 'a'])
})
