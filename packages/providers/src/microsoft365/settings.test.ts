import { expect, test } from 'vitest'
import { createMicrosoft365 } from './index.ts'

test.each([
  [{}, ['graph.microsoft.com', 'login.microsoftonline.com']],
  [
    { base_url: 'https://graph.microsoft.us', login_url: 'https://login.microsoftonline.us' },
    ['graph.microsoft.us', 'login.microsoftonline.us'],
  ],
])('settings %o use %o', (changes, hosts) => {
  const microsoft365 = createMicrosoft365()
  const settings = microsoft365.settings.parse({
    tenant: 'contoso.example',
    user: 'w@example.com',
    ...changes,
  })
  expect(microsoft365.targets(settings)).toEqual(hosts.map((host) => ({ host, port: 443, scheme: 'https' })))
})

test.each([
  [{ client_id: 'a', refresh_token: 'b' }, true],
  [{ client_id: 'a', client_secret: 'c', refresh_token: 'b' }, true],
  [{ client_id: 'a' }, false],
  [{ client_secret: 'a' }, false],
])('credentials %o', (credentials, isGood) => {
  expect(createMicrosoft365().credentials.safeParse(credentials).success).toBe(isGood)
})

test.each([
  [{ user: 'me' }],
  [{ user: '..' }],
  [{ user: 'a@b/c' }],
  [{ tenant: '..' }],
  [{ tenant: 'a/b' }],
  [{ tenant: '' }],
])('settings %o are refused', (changes) => {
  const settings = { tenant: 'contoso.example', user: 'w@example.com', ...changes }
  expect(createMicrosoft365().settings.safeParse(settings).success).toBe(false)
})

test('the limit of concurrent calls is that of the requests of a mailbox', () => {
  const { settings, callsMax } = createMicrosoft365()
  expect(callsMax?.(settings.parse({ tenant: 'contoso.example', user: 'w@example.com' }))).toBe(4)
})
