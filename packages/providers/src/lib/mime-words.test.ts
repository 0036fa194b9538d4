import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import { buildOutboundMessage } from '../../test/io.ts'
import type { OutboundMessage } from '../provider.ts'
import { buildMime } from './mime.ts'
import { encodeName, encodeText, encodeWords, foldableSubject, useOwnWords } from './mime-words.ts'

/** A message as text, and what an independent parser reads from it. */
async function readBack(changes: Partial<OutboundMessage>) {
  const mime = await buildMime(buildOutboundMessage(changes))
  return { mime: mime.toString('latin1'), mail: await simpleParser(mime, { skipTextToHtml: true }) }
}

/** The lines of one header field. */
function fieldOf(mime: string, name: string): string[] {
  const head = mime.slice(0, mime.indexOf('\r\n\r\n')).split(/\r\n(?![ \t])/)
  return head.find((field) => field.startsWith(`${name}:`))?.split('\r\n') ?? []
}

const wordsOf = (text: string) => text.split(' ')

describe('case 15: the encoding depends only on the text', () => {
  test.each([
    ['株式会社テスト受信担当者', ['=?UTF-8?B?5qCq5byP5Lya56S+44OG44K544OI5Y+X5L+h5ouF5b2T6ICF?=']],
    ['Größe', ['=?UTF-8?Q?Gr=C3=B6=C3=9Fe?=']],
    ['Žofie “Zed” Ünal, Jr.', ['=?UTF-8?Q?=C5=BDofie_=E2=80=9CZed=E2=80=9D_=C3=9Cnal=2C_Jr=2E?=']],
    ['受 a', ['=?UTF-8?Q?=E5=8F=97_a?=']],
    ['👋', ['=?UTF-8?B?8J+Riw==?=']],
  ])('%s', (text, expected) => {
    expect(wordsOf(encodeWords(text))).toEqual(expected)
  })

  test.each(['ASCII alone', 'テキスト'])('a name is the same beside the text %s', async (text) => {
    const from = { address: 'app@acme.example', name: '株式会社テスト受信担当者' }
    const { mime, mail } = await readBack({
      from,
      subject: 'Hello',
      text,
      html: undefined,
      headers: {},
      attachments: [],
    })
    expect(fieldOf(mime, 'From').join('')).toBe(`From: ${encodeName(from.name)} <app@acme.example>`)
    expect(mail.from?.value).toEqual([from])
  })

  test('each encoded word is short, has whole characters and reads back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), (text) => {
        const words = wordsOf(encodeWords(text))
        const decoded = words.map((word) => {
          expect(word).toMatch(/^=\?UTF-8\?[BQ]\?[\x21-\x3e\x40-\x7e]+\?=$/)
          expect(word.length).toBeLessThanOrEqual(75)
          const content = word.slice('=?UTF-8?B?'.length, -'?='.length)
          const bytes = word.includes('?B?')
            ? Buffer.from(content, 'base64')
            : Buffer.from(
                content
                  .replaceAll('_', ' ')
                  .replace(/=(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
                'latin1',
              )
          return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
        })
        expect(decoded.join('')).toBe(text)
      }),
    )
  })

  test('encoded words of many letters are full', () => {
    const words = wordsOf(encodeWords('受'.repeat(60)))
    expect(words).toHaveLength(5)
    expect(words[1]).toBe(`=?UTF-8?B?${Buffer.from('受'.repeat(15)).toString('base64')}?=`)
  })
})

describe('case 11: no line is longer than 998 octets', () => {
  const anything = fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 255 }) },
    fc.integer({ min: 1, max: 998 }).map((length) => 'x'.repeat(length)),
    fc.integer({ min: 1, max: 400 }).map((length) => 'é'.repeat(length)),
    fc.integer({ min: 1, max: 80 }).map((length) => 'many words '.repeat(length)),
    fc.integer({ min: 1, max: 200 }).map((length) => `a${' '.repeat(length)}b`),
    fc.constantFrom('"quoted" \\ (x) <y> @', 'a,b;c:d', '…', '受信者'),
  )
  /** As the contract lets it through: one line of what is no control character. */
  const line = anything
    .map((text) =>
      text
        .replace(/[\p{Cc}\u2028\u2029]/gu, '')
        .toWellFormed()
        .trim(),
    )
    .filter((text) => text !== '' && !text.includes('=?'))
  const short = (max: number) => line.map((text) => [...text].slice(0, max).join('').trim()).filter(Boolean)
  const mailbox = fc.record({
    address: fc.constantFrom(
      'app@acme.example',
      `${'a'.repeat(64)}@${'b'.repeat(60)}.${'c'.repeat(60)}.example`,
    ),
    name: fc.option(short(200), { nil: undefined }),
  })
  const file = fc.record({
    filename: short(120).map((name) => name.replace(/[/\\:]/g, '-')),
    contentType: fc.constantFrom(
      'text/plain',
      `application/${'x'.repeat(230)}`,
      'text/csv; charset=utf-8; header=present',
    ),
    disposition: fc.constant('attachment' as const),
    content: fc.string({ unit: 'binary', maxLength: 3_000 }).map((text) => Buffer.from(text)),
  })
  const body = fc.option(
    anything.map((text) => text.repeat(5)),
    { nil: undefined },
  )
  const message = fc.record({
    from: mailbox,
    to: fc.array(mailbox, { minLength: 1, maxLength: 5 }),
    cc: fc.array(mailbox, { maxLength: 3 }),
    replyTo: fc.array(mailbox, { maxLength: 3 }),
    subject: line,
    text: body,
    html: body,
    headers: fc.dictionary(fc.constantFrom('X-Note', 'Comments', `X-${'n'.repeat(74)}`), line),
    attachments: fc.array(file, { maxLength: 2 }),
  })
  const plain = (text: string | undefined) => text?.replace(/\s+/gu, ' ').trim()

  test('for any content of the fields, and a parser reads them back', async () => {
    await fc.assert(
      fc.asyncProperty(message, async (changes) => {
        const { mime, mail } = await readBack(changes)
        expect(Math.max(...mime.split('\r\n').map((one) => one.length))).toBeLessThanOrEqual(998)
        expect(mime).not.toMatch(/[^\r\n\t\x20-\x7e]/)
        expect(mime.slice(0, mime.indexOf('\r\n\r\n'))).not.toMatch(/\r\n[ \t]+(?:\r\n|$)/)
        expect(plain(mail.subject)).toBe(plain(changes.subject))
        expect(plain(mail.from?.value[0]?.name)).toBe(plain(changes.from.name ?? ''))
        expect(mail.attachments.map(({ filename }) => plain(filename))).toEqual(
          changes.attachments.map(({ filename }) => plain(filename)),
        )
      }),
      { numRuns: 150 },
    )
  })

  test.each([
    ['a subject without spaces', 'x'.repeat(998)],
    ['a subject with a long word', `Hello ${'x'.repeat(990)}`],
  ])('%s becomes encoded words', async (_what, subject) => {
    const { mime, mail } = await readBack({ subject })
    expect(mail.subject).toBe(subject)
    for (const one of fieldOf(mime, 'Subject')) expect(one.length).toBeLessThanOrEqual(76)
    expect(foldableSubject(subject)).toMatch(/^(?:=\?UTF-8\?Q\?[^ ]{1,61}\?= ?)+$/)
  })

  test('a subject that every API can fold stays unchanged', () => {
    for (const subject of ['x'.repeat(989), 'é'.repeat(998), 'many words '.repeat(90)])
      expect(foldableSubject(subject)).toBe(subject)
  })
})

describe('texts in ASCII', () => {
  test.each(['Say "hi"', '{"a":1}', 'x'.repeat(990), '"News" <news.acme.example>'])(
    '%s is not encoded',
    (text) => {
      expect(encodeText('X-A', text)).toBe(text)
    },
  )

  test.each([
    ['Ann Lee', 'Ann Lee'],
    ['Lee, Ann', '"Lee, Ann"'],
    ['a "b" \\', '"a \\"b\\" \\\\"'],
    ['=?utf-8?Q?x?=', '=?UTF-8?Q?=3D=3Futf-8=3FQ=3Fx=3F=3D?='],
    ['a  b', '"a  b"'],
  ])('the name %s', (name, expected) => {
    expect(encodeName(name)).toBe(expected)
  })
})

test('a file name in ASCII is one parameter, so that parsers that join pieces lose no spaces', async () => {
  for (const length of [48, 49, 50]) {
    const filename = `${'x'.repeat(length)} ${'"y\\"'.repeat(20)} z.pdf`
    const content = Buffer.from('a')
    const attachments = [
      { filename, contentType: 'application/pdf', disposition: 'attachment' as const, content },
    ]
    expect((await readBack({ attachments })).mail.attachments[0]?.filename).toBe(filename)
  }
})

test('a composer without the methods that we replace sends nothing', () => {
  const node = Object.assign(Object.create(null), { childNodes: [] })
  expect(() => useOwnWords(node)).toThrow('nodemailer has no encodeHeaderValue')
})
