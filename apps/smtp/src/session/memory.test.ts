import { expect, test } from 'vitest'
import { createMemory } from './memory.ts'

test('one holder takes half of the memory at most, and another one still begins mails', () => {
  const memory = createMemory(1_000)
  for (let taken = 0; taken < 10; taken++) memory.take('hog', 100)
  expect(memory.used()).toBe(500)
  expect([memory.isTight('hog'), memory.isTight('other')]).toEqual([true, false])
  expect(memory.take('other', 200)).toBe(true)
  memory.give('hog', 500)
  memory.give('other', 200)
  expect([memory.used(), memory.isTight('hog')]).toEqual([0, false])
})

test('many holders together never take more than there is', () => {
  const memory = createMemory(1_000)
  for (let round = 0; round < 100; round++)
    for (let holder = 0; holder < 50; holder++) memory.take(`holder ${holder}`, 10)
  expect(memory.used()).toBeLessThanOrEqual(1_000)
  expect(memory.used()).toBeGreaterThan(900)
})
