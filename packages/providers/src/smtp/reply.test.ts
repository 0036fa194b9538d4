import { expect, test } from 'vitest'
import { slowMs } from '../../test/cpu.ts'
import { judgeReply, toOutcome, toRefusal } from './outcome.ts'
import { idIn, readReply, shorten } from './reply.ts'

// S1: replies of 60 kB took two seconds each.
const pieces = [
  'a',
  ' ',
  '@',
  '<',
  '>',
  '5',
  '-',
  '.',
  '\n',
  'a@',
  '<a',
  ' 550-',
  '550 5.1.1 ',
  'queued as ',
  'id=',
]

test.each(pieces.map((piece) => ({ piece })))('S1: 64 kB of %o are read without delay', async ({ piece }) => {
  const reply = `450 4.2.1 ${piece.repeat(Math.ceil(65_536 / piece.length))}`
  const refused = Array.from({ length: 50 }, (_, n) => ({ address: `n${n}@example.net`, reply }))
  expect(await slowMs(() => readReply(reply))).toBeNull()
  expect(await slowMs(() => [idIn(reply), shorten(reply)])).toBeNull()
  expect(await slowMs(() => toOutcome({ kind: 'refused', phase: 'rcpt', reply, refused }, 'own'))).toBeNull()
  for (const phase of ['open', 'mail', 'rcpt', 'data'] as const)
    expect(await slowMs(() => judgeReply(phase, `550 ${reply}`))).toBeNull()
})

test('a reply is split into its parts', () => {
  expect(readReply('550-5.7.1 <a@corporate.example>: first\r\n550 5.7.1 second')).toEqual({
    code: '550',
    enhanced: '5.7.1',
    words: 'first second',
  })
  expect(readReply('550 sorry (#5.1.1)')).toEqual({ code: '550', enhanced: '5.1.1', words: 'sorry (#5.1.1)' })
  expect(readReply('')).toEqual({ code: '', enhanced: '', words: '' })
})

test('the wait of a failure class applies at RCPT as after DATA', () => {
  const reply = '550 5.4.5 Daily user sending limit exceeded'
  const one = { address: 'x@example.net', reply }
  const other = { address: 'y@example.net', reply: '450 4.2.0 greylisted' }
  const wait = { kind: 'deferred', code: 'provider-quota-used-up', retryAfterMs: 3_600_000 }
  expect(toRefusal(one)).toMatchObject(wait)
  const atRcpt = (refused: { address: string; reply: string }[]) =>
    toOutcome({ kind: 'refused', phase: 'rcpt', reply, refused }, 'own')
  expect(atRcpt([one])).toMatchObject(wait)
  expect(atRcpt([other, one])).toMatchObject(wait)
  expect(toOutcome({ kind: 'refused', phase: 'data', reply, refused: [] }, 'own')).toMatchObject(wait)
})

test('one bad address stays refused, alone, beside a fault of the account', () => {
  const refused = [
    { address: 'no@example.net', reply: '550 5.1.1 no such user' },
    { address: 'yes@example.net', reply: '554 5.7.1 Client host [192.0.2.9] blocked using lists.example' },
  ]
  expect(
    toOutcome({ kind: 'refused', phase: 'rcpt', reply: refused[1]?.reply ?? '', refused }, 'own'),
  ).toMatchObject({
    kind: 'rejected',
    scope: 'account',
    code: 'provider-address-blocked',
    refused: [{ address: 'no@example.net', kind: 'rejected', code: 'recipient-refused' }],
  })
})
