import { describe, expect, test } from 'vitest'
import { createSmtp } from './index.ts'

describe('settings', () => {
  const refused = (settings: object) =>
    !createSmtp().settings.safeParse({ host: 'mail.example.com', port: 587, ...settings }).success
  test.each([
    { host: '' },
    { host: 'a b' },
    { host: 'mail.example.com\r\nX: y' },
    { host: 'user@mail.example.com' },
    { host: '/run/x' },
    { port: 0 },
    { port: 70_000 },
    { port: '587' },
    { tls: 'none' },
    { tls: 'yes' },
    { max_connections: 51 },
    { max_connections: 0 },
    { helo_name: 'x\r\nMAIL' },
    { helo_name: '-x' },
  ])('%o is refused', (settings) => {
    expect(refused(settings)).toBe(true)
  })
  test('a name without a password is refused', () => {
    expect(createSmtp().credentials.safeParse({ username: 'x' }).success).toBe(false)
  })
  test('a connection that may be unencrypted is reported to the egress policy', () => {
    const scheme = (settings: object) => {
      const smtp = createSmtp()
      return smtp.targets(smtp.settings.parse({ host: 'mail.example.com', port: 587, ...settings }))[0]
        ?.scheme
    }
    expect(scheme({})).toBe('smtp')
    expect(scheme({ tls: 'none', allow_insecure: true })).toBe('smtp-plain')
    expect(scheme({ tls: 'starttls', allow_insecure: true })).toBe('smtp-plain')
  })
})
