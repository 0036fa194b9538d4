import { expect, test } from 'vitest'
import { ListMessagesQuery } from '../messages/requests.ts'
import { parseSendRequest } from '../messages/send-request.ts'
import { timestampIssue, toDate } from './timestamp.ts'

const AT = Date.parse('2026-11-28T17:53:13Z')

test.each([
  ['2026-11-28T17:53:13Z', 0],
  ['2026-11-28t17:53:13z', 0],
  ['2026-11-28T18:53:13+01:00', 0],
  ['2026-11-28t12:23:13-05:30', 0],
  ['2026-11-28T17:53:13.5Z', 500],
  ['2026-11-28T17:53:13.123456789z', 123],
  ['2026-11-28T17:53:13-00:00', 0],
  ['2026-11-29T07:53:13+14:00', 0],
])('case 20: %s is a time', (text, ms) => {
  expect(timestampIssue(text)).toBeUndefined()
  expect(toDate(text).getTime()).toBe(AT + ms)
})

test.each([
  ['2026-11-28T17:53Z', 'has no seconds; write it like 2026-11-28T17:53:00Z'],
  ['2026-11-28T17:53+01:00', 'has no seconds; write it like 2026-11-28T17:53:00+01:00'],
  ['2026-11-28T18:53:13+0100', 'has no colon in its offset; write it like 2026-11-28T18:53:13+01:00'],
  ['2026-11-28T18:53:13+01', 'has no minutes in its offset; write it like 2026-11-28T18:53:13+01:00'],
  ['2026-11-28T18:53+0100', 'has no seconds; write it like 2026-11-28T18:53:00+01:00'],
  ['2026-11-28T17:53:13', 'has no offset from UTC; write it like 2026-11-28T17:53:13Z'],
  ['2026-11-28T17:53', 'has no seconds; write it like 2026-11-28T17:53:00Z'],
  ['2026-11-28', 'has a date but no time of day; write it like 2026-11-28T00:00:00Z'],
  [
    '2026-11-28 17:53:13Z',
    'has a space between date and time instead of T; write it like 2026-11-28T17:53:13Z',
  ],
  ['2026-11-28T18:53:13 01:00', 'in a URL, + is written %2B; write it like 2026-11-28T18:53:13+01:00'],
  ['2026-11-28T17:53:13 +0100', 'has a space before its offset; write it like 2026-11-28T17:53:13+01:00'],
  ['20261128T175313Z', 'has no hyphens in its date; write it like 2026-11-28T17:53:13Z'],
  ['2026-11-28T17:53:13,5Z', 'write it like 2026-11-28T17:53:13.5Z'],
  ['2026-11-28T17:53:13+01:00[Europe/Paris]', 'has the name of a time zone'],
  ['1764352393', 'is a number of seconds or milliseconds; write it like 2026-12-01'],
  ['2026-02-30T00:00:00Z', 'names a day that no calendar has'],
  ['2026-13-01T00:00:00Z', 'names a day that no calendar has'],
  ['2026-11-28T24:00:00Z', 'names an hour beyond 23'],
  ['2026-11-28T23:59:60Z', 'leap seconds are not supported'],
  ['2026-11-28T23:59:59+24:00', 'has an offset that no place on earth has'],
  ['Sat, 28 Nov 2026 17:53:13 GMT', 'is not a time as RFC 3339 writes it; write it like 2026-12-01'],
  ['', 'is not a time as RFC 3339 writes it'],
  ['2'.repeat(100_000), 'is too long for a time'],
])('case 20: %s is refused, and the error names the missing part and the right form', (text, issue) => {
  expect(timestampIssue(text)).toContain(issue)
})

test('case 20: send_at and the filters give the same errors', () => {
  const message = { from: 'a@acme.example', to: 'b@example.net', subject: 's', text: 't' }
  const now = new Date('2026-11-28T17:00:00Z')
  expect(parseSendRequest({ ...message, send_at: '2026-11-28t17:53:13z' }, { now }).sendAt?.getTime()).toBe(
    AT,
  )
  expect(() => parseSendRequest({ ...message, send_at: '2026-11-28T17:53Z' }, { now })).toThrow(
    'has no seconds',
  )
  expect(ListMessagesQuery.parse({ since: '2026-11-28t17:53:13z' }).since?.getTime()).toBe(AT)
  expect(() => ListMessagesQuery.parse({ until: '2026-11-28T17:53:13+0100' })).toThrow('has no colon')
})
