import { describe, expect, test } from 'vitest'
import { coveringDomain, parseDomainName, unicodeName } from './domain-name.ts'

describe('the name of a domain', () => {
  test.each([
    ['acme.example', 'acme.example'],
    ['  Mail.Acme.Example. ', 'mail.acme.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['foo.github.io', 'foo.github.io'],
    ['acme.co.uk', 'acme.co.uk'],
    ['www.example', 'www.example'],
  ])('%s is %s', (text, name) => {
    expect(parseDomainName(text)).toEqual({ name })
  })

  test.each([
    ['app@acme.example', 'enter only the domain: acme.example'],
    ['https://www.acme.example/path', 'enter only the domain: acme.example'],
    ['acme.example/', 'enter only the domain: acme.example'],
    ['www.acme.example', 'behind the @: acme.example'],
    ['co.uk', 'public suffix'],
    ['com', 'single word'],
    ['github.io', 'shared by many'],
    ['192.0.2.1', 'IP address'],
    ['acme', 'single word'],
    ['acme..example', 'is not a domain'],
    ['-acme.example', 'is not a domain'],
    ['_dmarc.acme.example', 'is not a domain'],
    ['acme.example:25', 'characters'],
    ['*.acme.example', 'characters'],
    ['', 'is not a domain'],
    ['a.'.repeat(150), 'is not a domain'],
  ])('%s is refused, with advice', (text, part) => {
    expect(parseDomainName(text)).toEqual({ detail: expect.stringContaining(part) })
  })

  test('a name beyond ASCII is shown in both forms', () => {
    expect(unicodeName('xn--bcher-kva.example')).toBe('bücher.example')
  })
})

test('a proof covers the names below it, except from a nearer name of another holder on', () => {
  const holder = { proved: ['acme.example'], nearer: ['shop.acme.example'] }
  expect(coveringDomain('acme.example', holder)).toBe('acme.example')
  expect(coveringDomain('News.Acme.example', holder)).toBe('acme.example')
  expect(coveringDomain('shop.acme.example', holder)).toBeNull()
  expect(coveringDomain('a.shop.acme.example', holder)).toBeNull()
  expect(coveringDomain('example', holder)).toBeNull()
  expect(coveringDomain('badacme.example', holder)).toBeNull()
})
