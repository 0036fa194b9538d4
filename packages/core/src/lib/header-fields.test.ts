import { type NewMessage, parseSendRequest } from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import { buildMime } from '@lettergate/providers/lib/mime'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { carriedOfNew } from '../routing/index.ts'
import { toWireHeaders } from './header-fields.ts'

const goodMessage = { from: 'app@acme.example', to: 'user@example.net', subject: 'Hello', text: 'Hi' }

/** The mail of an accepted request, as text. */
async function mailOf(message: NewMessage): Promise<string> {
  const { from, to, cc, bcc, replyTo, subject, text, html, attachments } = message
  const mime = await buildMime({
    id: 'msg_01m7wa5yjwe1qr5m7w1gzh99cc',
    attemptKey: 'x',
    createdAt: new Date(0),
    from,
    to,
    cc,
    bcc,
    replyTo,
    subject,
    text,
    html,
    attachments,
    envelopeTo: [...to, ...cc, ...bcc].map((one) => one.address),
    headers: toWireHeaders(message.headers),
    tags: [],
    metadata: {},
  })
  return mime.toString('latin1')
}

const mailWith = (headers: Record<string, string>) => mailOf(parseSendRequest({ ...goodMessage, headers }))

/** One field of a mail, folded lines joined. */
function fieldOf(mail: string, name: string): string | undefined {
  const fields = mail.slice(0, mail.indexOf('\r\n\r\n')).split(/\r\n(?![ \t])/)
  return fields.find((field) => field.startsWith(`${name}:`))?.replaceAll('\r\n', '')
}

describe('case 12: written header fields', () => {
  test.each([
    ['List-Id', 'お知らせ <news.acme.example>', '=?UTF-8?B?44GK55+l44KJ44Gb?= <news.acme.example>'],
    ['List-Id', '"Été" <ete.acme.example>', '=?UTF-8?B?w4l0w6k=?= <ete.acme.example>'],
    ['List-Id', '"News" <news.acme.example>', '"News" <news.acme.example>'],
    [
      'List-Unsubscribe',
      '<https://acme.example/désinscription?u=1>',
      '<https://acme.example/d%C3%A9sinscription?u=1>',
    ],
    ['List-Owner', '<mailto:o@acme.example> (Jörg)', '<mailto:o@acme.example> (=?UTF-8?Q?J=C3=B6rg?=)'],
    ['Errors-To', 'Zoë <z@acme.example>', '=?UTF-8?Q?Zo=C3=AB?= <z@acme.example>'],
    ['X-Original-Sender', 'Zoë <z@acme.example>', '=?UTF-8?Q?Zo=C3=AB?= <z@acme.example>'],
    ['References', '<a@b>, <c@d>', '<a@b> <c@d>'],
    ['X-Json', '{"a":1}', '{"a":1}'],
  ])('%s: %s', async (name, value, expected) => {
    expect(fieldOf(await mailWith({ [name]: value }), name)).toBe(`${name}: ${expected}`)
    expect(toWireHeaders({ [name]: value })).toEqual({ [name]: expected })
  })

  test('a field that a provider may garble is checked in the form that the provider gets', () => {
    const headers = { 'List-Help': '<https://acme.example/é>', 'List-Id': 'Été <ete.acme.example>' }
    expect(carriedOfNew(parseSendRequest({ ...goodMessage, headers })).headers).toEqual(
      toWireHeaders(headers),
    )
  })

  test('a value from before this check is written as text that can be folded', async () => {
    const headers = { 'X-Long': 'y'.repeat(5_000), Precedence: 'größe' }
    const wire = toWireHeaders(headers)
    expect(wire.Precedence).toBe('=?UTF-8?Q?gr=C3=B6=C3=9Fe?=')
    expect(Math.max(...(wire['X-Long'] ?? '').split(' ').map((word) => word.length))).toBeLessThanOrEqual(75)
  })
})

describe('case 11, S11: no line is longer than 998 octets', () => {
  const name = fc.constantFrom(
    ...['List-Id', 'List-Unsubscribe', 'List-Owner', 'List-Post', 'Archived-At', 'Errors-To', 'Author'],
    ...[
      'Disposition-Notification-To',
      'X-Original-Sender',
      'References',
      'In-Reply-To',
      'Keywords',
      'Comments',
    ],
    ...['Auto-Submitted', 'Precedence', 'Expires', 'X-A', `X-${'n'.repeat(74)}`, 'Feedback-ID'],
  )
  const many = (part: string) => fc.integer({ min: 1, max: 1_100 }).map((count) => part.repeat(count))
  const piece = fc.oneof(
    fc.constantFrom(
      'é',
      '受信',
      '"Zoë, M"',
      '(Jörg)',
      '<z@bücher.example>',
      '<a@b.example>',
      ', ',
      ' ',
      ';',
      ':',
    ),
    fc.constantFrom(
      '<https://acme.example/é?x=1>',
      'x@acme.example',
      'token',
      '"',
      '<',
      '(',
      '\\',
      '👋',
      '=?',
    ),
    many('x'),
    many('é'),
    many(' '),
    many('<a@b>'),
    many('a, '),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
  )
  const value = fc.array(piece, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('').slice(0, 5_000))
  const text = fc.oneof(piece, value).map((one) => one.slice(0, 998))
  const mailbox = fc.record({
    email: fc.constant('a@example.net'),
    name: text.map((one) => one.slice(0, 255)),
  })
  const file = fc.record({
    filename: text.map((one) => `${one.slice(0, 240)}.pdf`),
    content: fc.constant('eA=='),
  })
  const request = fc.oneof(
    fc.dictionary(name, value, { minKeys: 1, maxKeys: 3 }).map((headers) => ({ headers })),
    text.map((subject) => ({ subject })),
    fc.record({
      from: mailbox,
      to: fc.array(mailbox, { minLength: 1 }),
      reply_to: fc.array(mailbox, { maxLength: 3 }),
    }),
    fc.array(file, { minLength: 1, maxLength: 2 }).map((attachments) => ({ attachments })),
    fc.record({ text: value, html: value }),
  )

  test('a request is refused with its pointer, or its mail has no longer line', async () => {
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(request, async (change) => {
        let message: NewMessage
        try {
          message = parseSendRequest({ ...goodMessage, ...change })
        } catch (error) {
          if (!(error instanceof Problem)) throw error
          for (const { pointer } of error.errors ?? []) expect(pointer).toMatch(/^#\/[a-z_]+/)
          return
        }
        accepted += 1
        const mail = await mailOf(message)
        expect(mail).not.toMatch(/[^\r\n\t\x20-\x7e]/)
        expect(Math.max(...mail.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998)
        expect(mail.slice(0, mail.indexOf('\r\n\r\n'))).not.toMatch(/\r\n[ \t]+(?:\r\n|$)/)
        // By JSON, a provider folds between words, or not at all.
        for (const [field, wire] of Object.entries(toWireHeaders(message.headers))) {
          expect(wire).toMatch(/^[\x20-\x7e]*$/)
          for (const word of wire.split(' ')) expect(`${field}: ${word}`.length).toBeLessThanOrEqual(998)
        }
      }),
      { numRuns: 600 },
    )
    expect(accepted).toBeGreaterThan(100)
  })
})
