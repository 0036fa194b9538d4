import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import { richMessage } from '../../test/rich-message.ts'
import { composeMime } from '../lib/mime.ts'
import { decodeMime, decodeMimeHere } from './decode-mime.ts'
import { missingFields, readMime } from './read-mime.ts'

const lines = (...text: string[]) => Buffer.from(`${text.join('\r\n')}\r\n`, 'latin1')
const head = ['From: Ann <ann@acme.example>', 'To: b@example.net']
const mailOf = (...more: string[]) => lines(...head, ...more)

async function read(raw: Buffer) {
  const result = await readMime(raw)
  if ('problem' in result) throw new Error(result.problem)
  return result
}

async function faultOf(raw: Buffer): Promise<string | null> {
  const result = await readMime(raw)
  return 'problem' in result ? result.problem : null
}

describe('a mail that its client wrote', () => {
  const fieldName = fc.constantFrom('Subject', 'X-Note', 'Bcc', 'bCC', 'X-LG-Tag', 'Resent-Bcc', 'List-Id')
  const piece = fc
    .uint8Array({ minLength: 1, maxLength: 60 })
    .map((bytes) => Buffer.from(bytes.map((byte) => (byte < 0x20 || byte === 0x7f ? 0x2e : byte))))
  const field = fc.record({ name: fieldName, pieces: fc.array(piece, { minLength: 1, maxLength: 4 }) })
  const body = fc.oneof(
    fc.constant(''),
    fc.constant('.\r\n..\r\n'),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => {
      const text = Buffer.from(bytes)
        .toString('latin1')
        .replaceAll(/[\r\n]/g, '\r\n')
      return text.endsWith('\r\n') ? text : `${text}\r\n`
    }),
  )

  test('loses its Bcc and X-LG- fields, and no other byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(field, { selector: ({ name }) => name }),
        body,
        async (fields, text) => {
          const written = fields.map(({ name, pieces }) => ({
            isKept: !/^(?:bcc|resent-bcc|x-lg-)/i.test(name),
            text: `${name}: ${pieces.map((one) => one.toString('latin1')).join('\r\n ')}\r\n`,
          }))
          const whole = (kept: typeof written) =>
            Buffer.from(`${head[0]}\r\n${kept.map((one) => one.text).join('')}\r\n${text}`, 'latin1')
          const { mail } = await read(whole(written))
          expect(mail.toString('latin1')).toBe(whole(written.filter((one) => one.isKept)).toString('latin1'))
        },
      ),
      { numRuns: 300 },
    )
  })

  test.each([
    ['LF alone', 'From: a@acme.example\nSubject: x\n\nOne\n\ntwo'],
    ['CR alone', 'From: a@acme.example\rSubject: x\r\rOne\r\rtwo\r'],
    ['every kind', 'From: a@acme.example\nSubject: x\r\n\rOne\n\rtwo\n'],
  ])('has CRLF at the end of every line if it came with %s', async (_what, text) => {
    const { mail } = await read(Buffer.from(text))
    expect(mail.toString()).toBe('From: a@acme.example\r\nSubject: x\r\n\r\nOne\r\n\r\ntwo\r\n')
  })

  test('of header fields alone gets an empty body', async () => {
    const { mail } = await read(lines('From: a@acme.example', 'Bcc: b@example.net'))
    expect(mail.toString()).toBe('From: a@acme.example\r\n\r\n')
  })

  test('gets a Date and a Message-ID if it has none', async () => {
    const own = { date: new Date('2026-11-20T10:00:00Z'), messageId: '<msg_1@acme.example>' }
    expect(missingFields((await read(mailOf('', 'Hi'))).facts, own)).toBe(
      'Date: Fri, 20 Nov 2026 10:00:00 +0000\r\nMessage-ID: <msg_1@acme.example>\r\n',
    )
    const whole = mailOf('Date: Fri, 20 Nov 2026 10:00:00 +0000', 'Message-ID: <1@acme.example>', '', 'Hi')
    expect(missingFields((await read(whole)).facts, own)).toBe('')
  })

  test('gives its addresses, its subject, and whether it is ASCII', async () => {
    const raw = Buffer.from(
      'From: =?utf-8?q?L=C3=A9e?= <lee@acme.example>\r\nTo: "B, C" <b@example.net>, friends: c@example.net, d@example.net;\r\n' +
        'Cc: \r\nSubject: =?utf-8?B?R3LDvA==?=\r\n =?utf-8?B?w59l?=\r\nReply-To: e@example.net\r\nX-Note: ö\r\n\r\nHi\r\n',
    )
    expect((await read(raw)).facts).toMatchObject({
      from: [{ name: 'Lée', address: 'lee@acme.example' }],
      to: [
        { name: 'B, C', address: 'b@example.net' },
        { address: 'c@example.net' },
        { address: 'd@example.net' },
      ],
      cc: [],
      replyTo: [{ address: 'e@example.net' }],

      subject: 'Grüße',
      headers: [['X-Note', 'ö']],
      areRecipientsReadable: true,

      isAscii: false,
      isHeadAscii: false,
      lost: null,
    })
    expect((await read(mailOf('', 'caf\xe9'))).facts).toMatchObject({ isAscii: false, isHeadAscii: true })
    expect((await read(mailOf('', 'cafe'))).facts).toMatchObject({ isAscii: true, isHeadAscii: true })
  })

  test('an encoded header field is decoded to one line of text', async () => {
    const evil = Buffer.from('a\r\nBcc: x@y.example\0\u2028b').toString('base64')
    const { facts } = await read(
      mailOf(`Subject: =?utf-8?B?${evil}?=`, `X-Note: =?utf-8?B?${evil}?=`, '', 'Hi'),
    )
    expect(facts.subject).toBe('a Bcc: x@y.example b')
    expect(facts.headers).toEqual([['X-Note', 'a Bcc: x@y.example b']])
  })
})

describe('a mail that cannot be sent is refused', () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `X-A${index}: 1`)
  test.each([
    ['no author', lines('To: b@example.net', '', 'Hi'), /no From/],
    ['two From fields', mailOf('From: c@acme.example', '', 'Hi'), /two fields from/],
    ['two To fields', mailOf('To: c@example.net', '', 'Hi'), /two fields to/],
    ['two subjects', mailOf('Subject: a', 'subject: b', '', 'Hi'), /two fields subject/],
    ['a line that is no field', mailOf('no field', '', 'Hi'), /neither a field/],
    ['an mbox line', lines('From ann Mon Jan  1 00:00:00 2026', ...head, '', 'Hi'), /neither a field/],
    ['a continuation first', lines(' x', ...head, '', 'Hi'), /continuation/],
    ['NUL in a header field', mailOf('X-Note: a\0b', '', 'Hi'), /NUL/],
    ['a header line without end', mailOf(`X-Note: ${'a'.repeat(1000)}`, '', 'Hi'), /998 characters/],
    ['a header block without end', mailOf(...many(300).flatMap((one) => [one + 'x'.repeat(900)])), /bytes/],
    ['too many fields', mailOf(...many(1001), '', 'Hi'), /1000 header fields/],
    ['nothing', Buffer.from(''), /no From/],
  ])('%s', async (_what, raw, problem) => {
    expect(await faultOf(raw)).toMatch(problem)
  })
})

const text = ['Content-Type: text/plain; charset=utf-8', '', 'Hi']
const html = ['Content-Type: text/html', '', '<p>Hi</p>']
const file = ['Content-Type: image/png', 'Content-Disposition: attachment; filename=a.png', '', 'x']
const container = (type: string, ...parts: string[][]): string[] => [
  `Content-Type: multipart/${type}; boundary="=_${type}"`,
  '',
  ...parts.flatMap((part) => [`--=_${type}`, ...part]),
  `--=_${type}--`,
]

describe('a mail for providers without MIME', () => {
  test.each([
    ['text alone', text],
    ['no content type', ['', 'Hi']],
    ['text and HTML', container('alternative', text, html)],
    ['files', container('mixed', container('alternative', text, html), file, file)],
    ['images', container('related', html, ['Content-Type: image/png', 'Content-ID: <a>', '', 'x'])],
    [
      'an invitation',
      container('alternative', text, ['Content-Type: text/calendar; method=REQUEST', '', 'x']),
    ],
  ])('can be expressed completely: %s', async (_what, content) => {
    expect((await read(mailOf(...content))).facts.lost).toBeNull()
    expect(await decodeMime(mailOf(...content))).not.toBeNull()
  })

  test.each([
    ['a second text', container('mixed', text, file, text), /two parts of type text\/plain/],
    ['text and HTML one after the other', container('mixed', text, html), /no alternatives/],
    ['HTML before text', container('alternative', html, text), /behind its HTML/],
    ['another alternative', container('alternative', text, file), /alternative of type image\/png/],
    ['a signature', container('signed', text, file), /multipart\/signed/],
    [
      'a report',
      container('report', text, ['Content-Type: message/delivery-status', '', '']),
      /multipart\/report/,
    ],
    [
      'a mail within it',
      container('mixed', text, ['Content-Type: message/rfc822', '', ...head, '', 'x']),
      /rfc822/,
    ],
    ['an unknown character set', ['Content-Type: text/plain; charset=x-none', '', 'Hi'], /character set/],
    ['uuencode', ['Content-Transfer-Encoding: x-uuencode', '', 'Hi'], /transfer encoding/],
    ['a field twice', ['X-A: 1', 'x-a: 2', '', 'Hi'], /field x-a twice/],
    ['a DKIM signature', ['DKIM-Signature: v=1', '', 'Hi'], /dkim-signature/],
    ['no boundary', ['Content-Type: multipart/mixed', '', 'Hi'], /without a boundary/],
    ['no parts', ['Content-Type: multipart/mixed; boundary=a', '', 'Hi'], /without parts/],
    ['two types', ['Content-Type: text/plain', 'Content-Type: text/html', '', 'Hi'], /two Content-Type/],
  ])('cannot be expressed: %s', async (_what, content, lost) => {
    expect((await read(mailOf(...content))).facts.lost).toMatch(lost)
  })

  test('the content of our own mails is decoded unchanged, by this reader and by another', async () => {
    const raw = composeMime(richMessage)
    const {
      text: decodedText,
      html: decodedHtml,
      attachments,
    } = (await decodeMimeHere(raw)) ?? { attachments: [] }
    const other = await simpleParser(raw, { skipTextToHtml: true })
    expect(decodedText?.replaceAll('\r\n', '\n')).toBe(richMessage.text)
    expect(decodedText?.replaceAll('\r\n', '\n')).toBe(other.text)
    expect(decodedHtml?.replaceAll('\r\n', '\n')).toBe(richMessage.html)
    expect(attachments).toEqual(richMessage.attachments)
    expect((await read(raw)).facts).toMatchObject({
      subject: richMessage.subject,
      attachments: [
        { filename: 'logo.png', contentType: 'image/png', disposition: 'inline' },
        { filename: 'Übersicht, 2026.pdf', contentType: 'application/pdf', disposition: 'attachment' },
      ],
    })
  })

  test.each([
    ['Latin-1', 'text/plain; charset=iso-8859-1', 'caf\xe9', 'café'],
    ['Japanese', 'text/plain; charset=iso-2022-jp', '\x1b$B$3\x1b(B', 'こ'],
    ['UTF-8 that is called ASCII', 'text/plain; charset=us-ascii', 'caf\xc3\xa9', 'café'],
    ['UTF-8 without a name', 'text/plain', 'caf\xc3\xa9', 'café'],
    ['Latin-1 without a name', 'text/plain', 'caf\xe9', 'café'],
  ])('text in %s is read', async (_what, type, written, meant) => {
    expect((await decodeMime(mailOf(`Content-Type: ${type}`, '', written)))?.text).toBe(`${meant}\r\n`)
  })

  test('quoted-printable: soft breaks, spaces at line ends, and invalid sequences', async () => {
    const raw = mailOf(
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'a=3D=\t',
      'b  \t',
      'c=',
      'd=zz =',
      '=C3=A9',
    )
    expect((await decodeMime(raw))?.text).toBe('a==\r\nb\r\ncd=zz é\r\n')
  })
})

describe('hostile mails are read within limits', () => {
  const nested = (depth: number): string[] =>
    depth === 0
      ? text
      : container(`mixed${depth}`, nested(depth - 1)).with(
          0,
          `Content-Type: multipart/mixed; boundary="=_mixed${depth}"`,
        )

  test.each([
    ['containers without end', mailOf(...nested(300)), /nested too deeply/],
    [
      'parts without end',
      mailOf(...container('mixed', ...Array.from({ length: 20_000 }, () => ['', '']))),
      /too many parts/,
    ],
    [
      'lines that look like delimiters',
      mailOf('Content-Type: multipart/mixed; boundary=a', '', '--ab\r\n'.repeat(500_000)),
      /too many parts/,
    ],
    [
      'a part with a header block without end',
      mailOf(...container('mixed', ['X: a\r\n'.repeat(100_000)])),
      /header/,
    ],
  ])('%s', async (_what, raw, lost) => {
    expect((await read(raw)).facts.lost).toMatch(lost)
    expect(await decodeMime(raw)).toBeNull()
  })

  test.each([
    ['folds', mailOf(`Subject: ${'x\r\n '.repeat(40_000)}`, '', 'Hi')],
    ['encoded words', mailOf(`Subject: ${'=?utf-8?q?a?=\r\n '.repeat(10_000)}`, '', 'Hi')],
    ['addresses', lines(head[0] ?? '', `To: ${'a@b.example,\r\n '.repeat(16_000)}`, '', 'Hi')],
    ['groups', lines(head[0] ?? '', `To: ${'g:'.repeat(400)}`, '', 'Hi')],
    ['file name pieces', mailOf('Content-Type: image/png; name*4294967290=x; name*999999999*=y', '', 'x')],
    ['parameters', mailOf(`Content-Type: text/plain${';\r\n a=b'.repeat(30_000)}`, '', 'Hi')],
    [
      'spaces at line ends',
      mailOf('Content-Transfer-Encoding: quoted-printable', '', ' '.repeat(900_000), 'x'),
    ],
  ])('any number of %s', async (_what, raw) => {
    const { facts } = await read(raw)
    expect(facts.subject.length).toBeLessThanOrEqual(4_000)
    expect(facts.from).toHaveLength(1)
    expect(facts.lost).toBeNull()
    expect(await decodeMime(raw)).not.toBeNull()
  })

  test('a large mail is decoded by another thread, to the same content', async () => {
    const content = Buffer.alloc(1_500_000, 7)
    const raw = composeMime({
      ...richMessage,
      attachments: [{ filename: 'a.bin', contentType: 'x/y', disposition: 'attachment', content }],
    })
    const decoded = await decodeMime(raw)
    expect(decoded).toEqual(await decodeMimeHere(raw))
    expect(decoded?.attachments[0]?.content.equals(content)).toBe(true)
  })
})
