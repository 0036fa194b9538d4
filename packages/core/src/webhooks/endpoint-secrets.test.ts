import { expect, test } from 'vitest'
import { newSecrets, PREVIOUS_VALID_MS, rotateSecrets, validSecrets } from './endpoint-secrets.ts'

const HOUR = 3_600_000

test('a secret is good for a day after it was replaced, also if its successor was replaced meanwhile', () => {
  const first = newSecrets({ 'X-Team': 'mail' })
  const second = rotateSecrets(first, 0)
  const third = rotateSecrets(second, HOUR)
  const [a, b, c] = [first, second, third].map(({ secrets }) => secrets[0]?.secret)
  expect(validSecrets(third, 2 * HOUR)).toEqual([c, b, a])
  expect(validSecrets(third, PREVIOUS_VALID_MS)).toEqual([c, b])
  expect(validSecrets(third, PREVIOUS_VALID_MS + HOUR)).toEqual([c])
  expect(rotateSecrets(third, PREVIOUS_VALID_MS).secrets).toHaveLength(3)
  expect(third.headers).toEqual({ 'X-Team': 'mail' })
})

test('however often it is replaced, a call has ten signatures at most', () => {
  let content = newSecrets()
  for (let n = 0; n < 30; n++) content = rotateSecrets(content, n)
  expect(validSecrets(content, 30)).toHaveLength(10)
})
