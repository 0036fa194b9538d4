import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { makeSelfSigned } from './self-signed.ts'

test('a certificate of our own is good for its names and addresses, and signed by its key', () => {
  const now = new Date('2026-11-29T10:00:00Z')
  const { key, cert } = makeSelfSigned(['localhost', 'mail.acme.example', '127.0.0.1'], now)
  const read = new X509Certificate(cert)
  expect(read.verify(read.publicKey)).toBe(true)
  expect(read.checkHost('mail.acme.example')).toBe('mail.acme.example')
  expect(read.checkHost('other.example')).toBeUndefined()
  expect(read.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(read.ca).toBe(true)
  expect(new Date(read.validFrom) < now && new Date(read.validTo) > now).toBe(true)
  expect(key).toContain('PRIVATE KEY')
})
