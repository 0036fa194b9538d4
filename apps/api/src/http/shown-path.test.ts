import { expect, test } from 'vitest'
import { shownPath } from './shown-path.ts'

test.each([
  ['/v1/messages?to=user@example.net', '/v1/messages'],
  ['/v1/hooks/sendgrid/con_1/canary', '/v1/hooks/sendgrid/con_1/…'],
  ['/v1/hooks/sendgrid/con_1/canary/more', '/v1/hooks/sendgrid/con_1/…'],
  ['/v1/hooks/sendgrid/con_1/canary?x=1', '/v1/hooks/sendgrid/con_1/…'],
  ['/gateway/v1/hooks/sendgrid/con_1/canary', '/gateway/v1/hooks/sendgrid/con_1/…'],
  ['//v1/hooks/sendgrid/con_1/canary', '//v1/hooks/sendgrid/con_1/…'],
  ['http://mail.example/v1/hooks/sendgrid/con_1/canary', 'http://mail.example/v1/hooks/sendgrid/con_1/…'],
  ['/v1/hooks/sendgrid/con_1/', '/v1/hooks/sendgrid/con_1/'],
])('%s is shown as %s', (url, path) => {
  expect(shownPath(url)).toBe(path)
})

test('a long path is cut', () => {
  expect(shownPath(`/${'x'.repeat(8_000)}`)).toHaveLength(500)
})
