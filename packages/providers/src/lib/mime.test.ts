import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import { buildOutboundMessage } from '../../test/io.ts'
import type { OutboundMessage } from '../provider.ts'
import { buildMime, compose } from './mime.ts'

/** The fields that an independent parser reads from a message as we write it. */
async function readBack(changes: Partial<OutboundMessage>) {
  const mime = await buildMime(buildOutboundMessage(changes))
  return { mime: mime.toString('latin1'), mail: await simpleParser(mime, { skipTextToHtml: true }) }
}

/** Header lines by name, unfolded, of a message as text. */
function headerLines(mime: string): string[] {
  return mime
    .slice(0, mime.indexOf('\r\n\r\n'))
    .replace(/\r\n[ \t]/g, ' ')
    .split('\r\n')
}

const picture = Buffer.from('89504e470d0a1a0a0000000d4948445200000001', 'hex')
const rich: Partial<OutboundMessage> = {
  from: { address: 'w@example.com', name: 'Žofie “Zed” Ünal, Jr.' },
  to: [{ address: 'a@example.org', name: '受信者' }, { address: 'b@xn--bcher-kva.example' }],
  cc: [{ address: 'c@example.org', name: 'O\'Hara "Cc" <x>' }],
  bcc: [{ address: 'hidden@example.net' }],
  replyTo: [{ address: 'r@example.com', name: 'Re; ply' }],
  subject: `Grüße 👋 ${'sehr '.repeat(40)}lang`,
  text: 'Grüße\n.\n.hidden dot\r\nmixed\rends\n\nFrom the start',
  html: `<p>${'wide '.repeat(400)}<img src="cid:logo@x"></p>`,
  headers: { 'X-Campaign': 'naïve', 'List-Unsubscribe': '<https://example.com/u>', 'X-odd-CASE': '1' },
  attachments: [
    {
      filename: 'Übersicht — 2026.pdf',
      contentType: 'application/pdf',
      disposition: 'attachment',
      content: Buffer.alloc(5000, 1),
    },
    {
      filename: 'logo.png',
      contentType: 'image/png',
      disposition: 'inline',
      contentId: 'logo@x',
      content: picture,
    },
    { filename: 'empty.txt', contentType: 'text/plain', disposition: 'attachment', content: Buffer.alloc(0) },
  ],
}

describe('an independent parser reads back the given', () => {
  test('names, subject, bodies, attachments, own headers', async () => {
    const { mail, mime } = await readBack(rich)
    expect(mail.from?.value).toEqual([{ address: 'w@example.com', name: 'Žofie “Zed” Ünal, Jr.' }])
    expect([mail.to].flat()[0]?.value).toEqual([
      { address: 'a@example.org', name: '受信者' },
      { address: 'b@bücher.example', name: '' },
    ])
    expect([mail.cc].flat()[0]?.value).toEqual([{ address: 'c@example.org', name: 'O\'Hara "Cc" <x>' }])
    expect(mail.replyTo?.value).toEqual([{ address: 'r@example.com', name: 'Re; ply' }])
    expect(mail.subject).toBe(rich.subject)
    expect(mail.text?.trimEnd()).toBe('Grüße\n.\n.hidden dot\nmixed\nends\n\nFrom the start')
    expect(mail.html).toContain('wide '.repeat(400))
    expect(mail.headers.get('x-campaign')).toBe('=?UTF-8?Q?na=C3=AFve?=')
    expect(mime).toContain('\r\nX-odd-CASE: 1\r\n')
    expect(
      mail.attachments.map(({ filename, contentType, content }) => [filename, contentType, content.length]),
    ).toEqual([
      ['logo.png', 'image/png', picture.length],
      ['Übersicht — 2026.pdf', 'application/pdf', 5000],
      ['empty.txt', 'text/plain', 0],
    ])
    expect(mail.attachments[0]).toMatchObject({ cid: 'logo@x', related: true, content: picture })
  })

  test('our identity and the date of acceptance', async () => {
    const { mail } = await readBack({ createdAt: new Date('2026-01-02T03:04:05Z') })
    expect(mail.messageId).toBe('<msg_01k9z8y7x6w5v4t3s2r1q0pnmk@example.com>')
    expect(mail.headers.get('x-lg-id')).toBe('msg_01k9z8y7x6w5v4t3s2r1q0pnmk')
    expect(mail.date).toEqual(new Date('2026-01-02T03:04:05Z'))
  })

  test('text only and html only', async () => {
    expect((await readBack({ html: undefined, text: 'only text' })).mail).toMatchObject({
      text: 'only text\n',
      html: false,
    })
    expect((await readBack({ text: undefined, html: '<b>only</b>' })).mail.html).toBe('<b>only</b>\n')
  })
})

describe('the bytes on the wire', () => {
  test('the same message gives the same bytes', async () => {
    const build = () => buildMime(buildOutboundMessage({ ...rich }))
    expect(await build()).toEqual(await build())
  })

  test('the blind recipients appear nowhere', async () => {
    expect((await readBack(rich)).mime).not.toMatch(/hidden@|bcc/i)
  })

  test('every byte is ASCII, every line ends with CRLF and is at most 998 bytes', async () => {
    const { mime } = await readBack(rich)
    expect(mime).not.toMatch(/[^\r\n\t\x20-\x7e]|[^\r]\n|\r[^\n]/)
    expect(Math.max(...mime.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998)
    expect(mime.endsWith('\r\n')).toBe(true)
  })

  test('an attachment that calls itself multipart cannot break the structure', async () => {
    const content = Buffer.from('--x\r\n\r\nhi\r\n--x--')
    const { mail } = await readBack({
      attachments: [
        { filename: 'a', contentType: 'multipart/mixed; boundary=x', disposition: 'attachment', content },
      ],
    })
    expect(mail.attachments).toMatchObject([{ contentType: 'application/octet-stream', content }])
  })

  test('an attached message stays a message', async () => {
    const content = Buffer.from('Subject: inner\n\nline\n')
    const { mime } = await readBack({
      attachments: [{ filename: 'm.eml', contentType: 'message/rfc822', disposition: 'attachment', content }],
    })
    expect(mime).toContain('Subject: inner\r\n\r\nline\r\n')
  })
})

const hostile = fc
  .stringMatching(/^[a-z\r\n\0 :"<>,;@é\u2028=?_-]{0,30}$/)
  .map((text) => `${text}\r\nBcc: evil@example.net\r\n\r\nbody`)

describe('even input that should have been refused before cannot add a header', () => {
  test.each(['subject', 'name', 'header', 'filename', 'contentType', 'contentId'])(
    'in the %s',
    async (where) => {
      await fc.assert(
        fc.asyncProperty(hostile, async (text) => {
          const attachment = {
            filename: where === 'filename' ? text : 'a.txt',
            contentType: where === 'contentType' ? text : 'text/plain',
            contentId: where === 'contentId' ? text : 'x',
            disposition: 'inline' as const,
            content: Buffer.from('a'),
          }
          const mime = await buildMime(
            buildOutboundMessage({
              ...(where === 'subject' && { subject: text }),
              ...(where === 'name' && {
                from: { address: 'w@example.com', name: text },
                to: [{ address: 'a@example.org', name: text }],
              }),
              ...(where === 'header' && { headers: { 'X-A': text } }),
              attachments: [attachment],
            }),
          )
          const names = headerLines(mime.toString('latin1')).map((line) =>
            line.slice(0, line.indexOf(':')).toLowerCase(),
          )
          expect(names).not.toContain('bcc')
          expect(mime.toString('latin1')).not.toMatch(/\r\nbcc: evil/i)
        }),
        { numRuns: 60 },
      )
    },
  )
})

test('our writer of parts gives the same bytes as nodemailer', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 300 })
  const file = fc.record({
    filename: fc.string({ minLength: 1, maxLength: 30 }),
    contentType: fc.constantFrom(
      ...['text/plain', 'image/png', 'application/pdf', 'text/html; charset=utf-8', 'text/calendar'],
      ...['text/calendar; method=REQUEST', 'text/calendar; charset=utf-8; method=CANCEL', 'text/x-amp-html'],
    ),
    disposition: fc.constantFrom('attachment' as const, 'inline' as const),
    contentId: fc.option(fc.stringMatching(/^[a-z0-9]{1,10}@x$/), { nil: undefined }),
    content: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  })
  const changes = fc.record({
    subject: text,
    text: fc.option(text, { nil: undefined }),
    html: fc.option(text, { nil: undefined }),
    attachments: fc.array(file, { maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(changes, async (change) => {
      const message = buildOutboundMessage(change)
      expect((await buildMime(message)).toString('latin1')).toBe(
        (await compose(message).build()).toString('latin1'),
      )
    }),
    { numRuns: 200 },
  )
})
