import { expect, test } from 'vitest'
import {
  closed,
  emptyContent,
  freshUrl,
  HookContent,
  OLD_MAX,
  OLD_MS,
  openSecrets,
  openUrls,
  promoted,
  withoutEnded,
  withSecret,
} from './hook-content.ts'

const now = Date.parse('2026-11-20T10:00:00Z')
const base = 'https://mail.example.com/v1/hooks/postmark/con_1/'
const [first, second] = [freshUrl(base), freshUrl(base)]
const started = { ...emptyContent, current: first }

test('tokens and passwords are different each time, and cannot be guessed', () => {
  const urls = Array.from({ length: 100 }, () => freshUrl(base))
  const texts = urls.flatMap(({ token, password }) => [token, password])
  expect(new Set(texts).size).toBe(200)
  expect(texts.every((text) => /^[\w-]{32}$/.test(text))).toBe(true)
})

test('until a rotation has ended, both URLs are good without an end', () => {
  const rotating = { ...started, next: second }
  expect(openUrls(rotating, now + 10 * OLD_MS)).toEqual([first, second])
})

test('after a rotation the URL and the secret of before are good for a day', () => {
  const rotating = withSecret(withSecret({ ...started, next: second }, 'old'), 'new')
  const done = promoted(rotating, now)
  expect(done).toMatchObject({ current: second, next: null })
  expect(openUrls(done, now + OLD_MS - 1).map(({ token }) => token)).toEqual([second.token, first.token])
  expect(openSecrets(done, now + OLD_MS - 1)).toEqual(['new', 'old'])
  expect(openUrls(done, now + OLD_MS)).toEqual([second])
  expect(openSecrets(done, now + OLD_MS)).toEqual(['new'])
  const secrets = [{ value: 'new', until: null }]
  // The provider may have to be asked to remove it for another week.
  expect(withoutEnded(done, now + 8 * OLD_MS)).toEqual({ ...done, secrets })
  expect(withoutEnded(done, now + 9 * OLD_MS)).toEqual({ ...done, old: [], secrets })
})

test('a secret that did not change does not end', () => {
  const rotating = withSecret(withSecret({ ...started, next: second }, { key: 'same' }), { key: 'same' })
  expect(openSecrets(promoted(rotating, now), now + 10 * OLD_MS)).toEqual([{ key: 'same' }])
})

test('after an end everything is good for a day', () => {
  const done = closed(withSecret({ ...started, next: second }, 'secret'), now)
  expect(openUrls(done, now + OLD_MS - 1)).toHaveLength(2)
  expect(openSecrets(done, now + OLD_MS - 1)).toEqual(['secret'])
  expect([openUrls(done, now + OLD_MS), openSecrets(done, now + OLD_MS)]).toEqual([[], []])
})

test('the number of secrets is bounded, and the newest are kept', () => {
  const many = Array.from({ length: 30 }, (_, at) => at).reduce(withSecret, started)
  expect(openSecrets(many, now)).toEqual(Array.from({ length: OLD_MAX }, (_, at) => 29 - at))
})

test('what was stored is read again', () => {
  const content = promoted(withSecret({ ...started, next: second }, { public_key: 'x' }), now)
  expect(HookContent.parse(JSON.parse(JSON.stringify(content)))).toEqual(content)
})
