import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { clientId, privateKey } from './credentials.ts'

const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

test.each([
  ['as the file has it', pem, true],
  ['its line ends written out', pem.replaceAll('\n', '\\n'), true],
  ['no key', 'secret', false],
  ['cut off', pem.slice(0, 300), false],
  [
    'of another kind',
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
    false,
  ],
])('a private key %s', (_what, text, isGood) => {
  const result = privateKey.safeParse(text)
  expect(result.success).toBe(isGood)
  expect(JSON.stringify(result)).not.toContain(pem.slice(40, 80))
})

test.each(['', 'with space', 'a\nb', 'ключ', 'x'.repeat(256)])('no client id: %s', (text) => {
  expect(clientId.safeParse(text).success).toBe(false)
})
