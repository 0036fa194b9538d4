import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { expect, test } from 'vitest'
import { buildOutboundMessage } from '../../test/io.ts'
import { composeMime, messageIdOf } from './mime.ts'
import { plainMime } from './mime-plain.ts'

const word = fc.string({ unit: fc.constantFrom(...'aZ09=?_.-<>@"\\,;:\'()[]#'), minLength: 1, maxLength: 12 })
const words = fc.array(word, { minLength: 1, maxLength: 14 }).map((parts) => parts.join(' '))
const line = fc
  .array(fc.constantFrom(...'ab =.,!?\t-', 'some', 'word-that-is-longer-than-a-margin'), { maxLength: 80 })
  .map((parts) => parts.join(''))
const body = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r', '')), { minLength: 1, maxLength: 8 })
  .map((lines) => lines.flat().join(''))
const mailbox = fc.record({
  address: fc.constantFrom(
    'app@acme.example',
    'First.Last+tag@mail.acme.example',
    'x_y@a-b.example',
    'app@notifications.of-some-quite-long-company-name.example',
  ),
  name: fc.option(fc.constantFrom('App', 'Cee Dee', 'A 1', 'O Hara'), { nil: undefined }),
})
const message = fc.record({
  from: mailbox,
  to: fc.array(mailbox, { minLength: 1, maxLength: 4 }),
  cc: fc.array(mailbox, { maxLength: 2 }),
  replyTo: fc.array(mailbox, { maxLength: 2 }),
  subject: fc.oneof(words, fc.constantFrom('Hello', ' led by a space', 'two  spaces', '=?utf-8?Q?x?=', '.')),
  text: fc.option(body, { nil: undefined }),
  html: fc.option(body, { nil: undefined }),
  createdAt: fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
})

test('mail from the fast writer parses to the same message as mail from the composer', async () => {
  let written = 0
  await fc.assert(
    fc.asyncProperty(message, async (changes) => {
      const built = buildOutboundMessage({ ...changes, headers: {}, attachments: [] })
      const plain = plainMime(built, messageIdOf(built))
      if (plain === null) return
      written++
      const [own, composed] = await Promise.all(
        [Buffer.from(plain, 'latin1'), composeMime(built)].map((mail) => simpleParser(mail)),
      )
      expect({ ...own, headerLines: [] }).toEqual({ ...composed, headerLines: [] })
      expect(plain.slice(plain.indexOf('\r\n\r\n') + 4)).toMatch(/^(?:[\t\x20-\x7e]{0,76}\r\n)*$/)
    }),
    { numRuns: 4_000 },
  )
  expect(written).toBeGreaterThan(100)
})

test.each([
  [
    'an attachment',
    {
      attachments: [
        {
          filename: 'a',
          contentType: 'text/plain',
          disposition: 'attachment' as const,
          content: Buffer.from('a'),
        },
      ],
    },
  ],
  ['a header of its own', { headers: { 'X-Campaign': '1' } }],
  ['a subject that is not ASCII', { subject: 'Grüße' }],
  ['a body that is not ASCII', { text: 'Grüße' }],
  ['a line break in the subject', { subject: 'a\r\nBcc: x@evil.example' }],
  ['a name that needs quotes', { from: { address: 'app@acme.example', name: 'Acme, Inc.' } }],
  ['a subject that would be folded', { subject: 'x'.repeat(80) }],
])('the fast writer leaves to the composer: %s', (_what, changes) => {
  const built = buildOutboundMessage({
    headers: {},
    attachments: [],
    subject: 'Hello',
    text: 'Hi',
    html: undefined,
    ...changes,
  })
  expect(plainMime(built, messageIdOf(built))).toBeNull()
})
