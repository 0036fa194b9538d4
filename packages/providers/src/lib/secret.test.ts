import { format, inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret, secret } from './secret.ts'

const hidden = new Secret('open sesame')

test('a secret is shown only by reveal()', () => {
  const shown = [
    String(hidden),
    `${hidden}`,
    JSON.stringify({ hidden }),
    inspect({ deep: [hidden] }, { depth: 9, showHidden: true }),
    format('%s %o %j %d', hidden, hidden, hidden, hidden),
    Object.entries(hidden).join(),
    new Error('failed', { cause: hidden }).stack ?? '',
    inspect(new Error('failed', { cause: hidden })),
  ]
  expect(shown.join('\n')).not.toContain('sesame')
  expect(JSON.stringify({ ...hidden, hidden })).toBe('{"hidden":"***"}')
  expect(hidden.reveal()).toBe('open sesame')
})

test('a secret has at most 4096 bytes, counted as bytes', () => {
  const schema = secret('A key')
  expect(schema.safeParse('x'.repeat(4096)).success).toBe(true)
  expect(schema.safeParse('x'.repeat(4097)).success).toBe(false)
  expect(schema.safeParse('é'.repeat(2049)).success).toBe(false)
})

test.each(['', 'a\nb', 'a\rb', 'a\0b', 'a\tb', 'a\x7fb', 5, null, ['a'], { a: 'b' }])(
  '%o is not a secret',
  (value) => {
    expect(secret('A key').safeParse(value).success).toBe(false)
  },
)
