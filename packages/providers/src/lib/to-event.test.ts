import { describe, expect, test } from 'vitest'
import { enhancedStatusIn, textOr, toAddress, toEvent, toMessageId, toMs, toUrl } from './to-event.ts'

const receivedAt = new Date('2026-11-20T10:00:00Z')
const build = (given: object) => toEvent({ kind: 'delivered' }, { at: undefined, ...given }, receivedAt)

describe('an event', () => {
  test('without a readable time gets the time of its arrival, and so does one from the future or from a clock that was never set', () => {
    const at = (ms: number | undefined) => build({ at: ms }).at
    expect(at(undefined)).toEqual(receivedAt)
    expect(at(receivedAt.getTime() + 3_600_001)).toEqual(receivedAt)
    expect(at(0)).toEqual(receivedAt)
    expect(at(receivedAt.getTime() + 60_000)).toEqual(new Date('2026-11-20T10:01:00Z'))
  })

  test('has the provider’s id, or else an id that is different from those of other events', () => {
    expect(build({ id: 'x' }).id).toBe('x')
    const base = { recipient: 'a@b.c', providerMessageId: 'm', at: 1_795_168_800_000, code: 'delivered' }
    const variants = [
      base,
      { ...base, recipient: 'b@b.c' },
      { ...base, providerMessageId: 'n' },
      { ...base, at: 1_795_168_801_000 },
      { ...base, code: 'other' },
    ]
    expect(new Set(variants.map((given) => build(given).id)).size).toBe(variants.length)
    expect(build({ ...base, reason: 'other words' }).id).toBe(build(base).id)
  })

  test('takes its enhanced status from the text if it has no such field', () => {
    expect(build({ reason: '550 5.1.1 gone' }).enhancedStatus).toBe('5.1.1')
    expect(build({ reason: '550 5.1.1 gone', enhancedStatus: '5.2.1' }).enhancedStatus).toBe('5.2.1')
    expect(build({ enhancedStatus: 'x' }).enhancedStatus).toBeUndefined()
  })

  test('has texts on one line, cut to their limits', () => {
    const event = build({
      reason: `a\r\n\u0000${'b'.repeat(900)}`,
      code: 'c'.repeat(900),
      id: 'd'.repeat(900),
    })
    expect([event.reason?.length, event.code?.length, event.id.length]).toEqual([500, 100, 200])
    expect(event.reason?.startsWith('a b')).toBe(true)
  })
})

test('no text of an event has half of a character, however it is cut', () => {
  const half = '\ud83d'
  const event = toEvent(
    { kind: 'clicked', byMachine: false, url: toUrl(`https://x.example/${half}`) },
    { at: undefined, reason: `${'x'.repeat(499)}😀`, code: `${'x'.repeat(99)}😀`, id: `${half} 😀` },
    receivedAt,
  )
  expect(event).toMatchObject({
    url: undefined,
    reason: 'x'.repeat(499),
    code: 'x'.repeat(99),
    id: '\ufffd 😀',
  })
})

test.each([
  [1_795_168_800, 1_795_168_800_000],
  [1_795_168_800.25, 1_795_168_800_250],
  ['1795168800', 1_795_168_800_000],
  ['2026-11-20T10:00:00Z', 1_795_168_800_000],
  ['2026-11-20 10:00:00.000+00', 1_795_168_800_000],
  ['soon', undefined],
  ['40', 40_000],
  [null, undefined],
  [Number.NaN, undefined],
  ['9'.repeat(100), undefined],
])('the time %s is %s', (value, ms) => {
  expect(toMs(value)).toBe(ms)
})

test.each([
  ['a@b.c', 'a@b.c'],
  [' a@b.c ', 'a@b.c'],
  ['Name <a@b.c>', 'a@b.c'],
  ['"a b"@c.d', undefined],
  ['a@b@c', 'a@b@c'],
  ['a', undefined],
  ['', undefined],
  [`${'a'.repeat(400)}@b.c`, undefined],
  [7, undefined],
])('the address in %s is %s', (value, address) => {
  expect(toAddress(value)).toBe(address)
})

test.each([
  ['https://a.example/x?y=1', 'https://a.example/x?y=1'],
  ['HTTP://a.example', 'HTTP://a.example'],
  ['javascript:alert(1)', undefined],
  ['https://a.example/\nx', undefined],
  [`https://a.example/${'x'.repeat(3_000)}`, undefined],
])('the URL %s is %s', (value, url) => {
  expect(toUrl(value)).toBe(url)
})

test.each([
  ['msg_01k9z8y7x6w5v4t3s2r1q0pnmk', true],
  ['msg_01k9z8y7x6w5v4t3s2r1q0pnm', false],
  ['msg_01k9z8y7x6w5v4t3s2r1q0pnmk1', false],
  ['con_01k9z8y7x6w5v4t3s2r1q0pnmk', false],
  ['MSG_01K9Z8Y7X6W5V4T3S2R1Q0PNMK', false],
])('%s is our id: %s', (text, isOurs) => {
  expect(toMessageId(text) !== undefined).toBe(isOurs)
})

test.each([
  ['550 5.1.1 x', '5.1.1'],
  ['550-5.1.1 x', '5.1.1'],
  ['x (#5.7.1)', '5.7.1'],
  ['smtp;550 5.1.10 x', '5.1.10'],
  ['192.5.1.1', undefined],
  ['5.1.1.1', undefined],
  ['version 5.1', undefined],
])('the status in %s is %s', (words, status) => {
  expect(enhancedStatusIn(words)).toBe(status)
})

test('an empty text counts as missing, and a number is read as text', () => {
  expect([textOr('  ', 9), textOr(7, 9), textOr({}, 9), textOr('abc', 2)]).toEqual([
    undefined,
    '7',
    undefined,
    'ab',
  ])
})
