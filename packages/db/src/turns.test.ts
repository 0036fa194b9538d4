import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

test('work for one key runs one after another, also after one that failed; other keys do not wait', async () => {
  const inTurn = createTurns(60_000)
  const log: string[] = []
  const step = (name: string) => async () => {
    log.push(`${name} begins`)
    await sleep(5)
    log.push(`${name} ends`)
    if (name === 'b') throw new Error('b fails')
  }
  const [a, b, c] = [inTurn('1', step('a')), inTurn('1', step('b')), inTurn('1', step('c'))]
  await inTurn('2', async () => log.push('other'))
  await Promise.allSettled([a, b, c])
  await expect(b).rejects.toThrow('b fails')
  expect(log.filter((line) => line !== 'other')).toEqual(
    ['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  )
  expect(log.indexOf('other')).toBeLessThan(log.indexOf('a ends'))
})

test('work whose turn comes too late is not started', async () => {
  const inTurn = createTurns(10)
  const slow = inTurn('1', () => sleep(50))
  let isBegun = false
  const late = inTurn('1', async () => {
    isBegun = true
  })
  await expect(late).rejects.toThrow('too much')
  await slow
  expect(isBegun).toBe(false)
  expect(await inTurn('1', async () => 'again')).toBe('again')
})
