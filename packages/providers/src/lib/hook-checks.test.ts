import { describe, expect, test } from 'vitest'
import type { Hook } from '../provider.ts'
import { headerOf, isSameText, passwordSecrets, verifyPassword } from './hook-checks.ts'

const password = 'password-of-hooks-0'
const secrets = [passwordSecrets.parse({ password })]
const hookWith = (headers: Hook['headers']): Hook => ({ url: '', headers, body: Buffer.from('') })
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

describe('a password', () => {
  test.each([
    { authorization: basic(`lettergate:${password}`) },
    // Some forms ask for a name of one's own.
    { authorization: basic(`anybody:${password}`) },
    { authorization: `bearer ${password}` },
    { 'x-lettergate-secret': password },
    { 'x-lettergate-secret': 'wrong', authorization: `Bearer ${password}` },
  ])('is accepted as %j', (headers) => {
    expect(verifyPassword(hookWith(headers), secrets)).toEqual({ kind: 'verified' })
  })

  test.each([
    {},
    { authorization: password },
    { authorization: basic(password) },
    { authorization: basic(`${password}:`) },
    { authorization: `Digest ${password}` },
    { authorization: `Bearer ${password}x` },
    { authorization: `Bearer ${password.slice(1)}` },
    { 'x-lettergate-secret': '' },
    { 'x-lettergate-secret': [password, password] },
  ])('is not accepted as %j', (headers) => {
    expect(verifyPassword(hookWith(headers), secrets).kind).toBe('refused')
  })

  test('without a stored secret every password is wrong, also an empty one', () => {
    expect(verifyPassword(hookWith({ authorization: 'Bearer ' }), []).kind).toBe('refused')
    expect(verifyPassword(hookWith({ 'x-lettergate-secret': '' }), secrets).kind).toBe('refused')
  })

  test('that is short or not allowed in a header field is refused', () => {
    for (const odd of ['short', 'with space in it', 'a\r\nb-a-b-a-b-a-b-a-b', 'ü'.repeat(20)])
      expect(passwordSecrets.safeParse({ password: odd }).success).toBe(false)
  })
})

test('a repeated field counts as missing', () => {
  const hook = hookWith({ one: 'a', listed: ['a'], twice: ['a', 'b'], long: 'x'.repeat(9_000) })
  expect(['one', 'listed', 'twice', 'long', 'none'].map((name) => headerOf(hook, name))).toEqual([
    'a',
    'a',
    undefined,
    undefined,
    undefined,
  ])
})

test('texts are compared correctly for any lengths', () => {
  expect([isSameText('a', 'a'), isSameText('a', 'b'), isSameText('a', 'aa'), isSameText('', '')]).toEqual([
    true,
    false,
    false,
    true,
  ])
})
