import { expect, test } from 'vitest'
import { type ShownStatus, shownStatus } from './shown-status.ts'

const record = (name: string, status: string) => ({ name, status, found: [], difference: null })
const [key, other] = ['lgabcr._domainkey.acme.example', 'lgabce._domainkey.acme.example']
const whole = {
  '_lettergate.acme.example': 'verified',
  [key]: 'verified',
  [other]: 'pending',
  'bounce.acme.example': 'verified',
  'acme.example': 'pending',
  '_dmarc.acme.example': 'verified',
}

test.each<[string, Record<string, string>, ShownStatus]>([
  ['with a signing key and the recommended records', {}, 'verified'],
  ['proved by its token alone, so that its mail is not signed', { [key]: 'pending' }, 'partially_verified'],
  ['without return path', { 'bounce.acme.example': 'failed' }, 'partially_verified'],
  ['without DMARC', { '_dmarc.acme.example': 'pending' }, 'partially_verified'],
  ['with a record that nobody answered for', { '_dmarc.acme.example': 'temporary_failure' }, 'verified'],
  ['proved by its key alone', { '_lettergate.acme.example': 'pending' }, 'verified'],
])('a proved domain %s', (_, change, status) => {
  const records = Object.entries({ ...whole, ...change }).map(([name, found]) => record(name, found))
  expect(shownStatus({ name: 'acme.example', state: 'verified', records })).toBe(status)
  expect(shownStatus({ name: 'acme.example', state: 'pending', records })).toBe('pending')
})
