import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import { buildOutboundMessage } from '../../test/io.ts'
import type { OutboundAttachment, OutboundMessage } from '../provider.ts'
import { alternativeOf, divide, methodOf } from './alternatives.ts'
import { buildMime } from './mime.ts'
import { buildPendingMime } from './mime-pending.ts'

const calendar = 'BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Grüße\r\nEND:VCALENDAR\r\n'

function file(contentType: string, change: Partial<OutboundAttachment> = {}): OutboundAttachment {
  return {
    filename: 'invite.ics',
    contentType,
    disposition: 'attachment',
    content: Buffer.from(calendar),
    ...change,
  }
}

const amp = file('text/x-amp-html', {
  filename: 'amp.html',
  content: Buffer.from('<html ⚡4email>\n</html>'),
})
const picture = file('image/png', { filename: 'a.png', disposition: 'inline', contentId: 'a' })

/** The types of all parts in their order, each indented by its depth. */
function outline(mime: string): string[] {
  const boundaries: string[] = []
  const types: string[] = []
  for (const line of mime.replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    if (boundaries.length > 0 && line === `--${boundaries.at(-1)}--`) boundaries.pop()
    const [, type, boundary] = /^Content-Type: ([^;]+).*?(?:boundary="(.*)")?$/.exec(line) ?? []
    if (type === undefined) continue
    types.push('  '.repeat(boundaries.length) + type)
    if (boundary !== undefined) boundaries.push(boundary)
  }
  return types
}

const write = async (changes: Partial<OutboundMessage>) =>
  (await buildMime(buildOutboundMessage(changes))).toString('latin1')

describe('22 an invitation', () => {
  test('is the last form of the message, and a file', async () => {
    const mime = await write({ attachments: [picture, file('text/calendar; method=REQUEST')] })
    expect(outline(mime)).toEqual([
      'multipart/mixed',
      '  multipart/alternative',
      '    text/plain',
      '    multipart/related',
      '      text/html',
      '      image/png',
      '    text/calendar',
      '  application/ics',
    ])
    expect(mime).toContain('Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n')
    const mail = await simpleParser(Buffer.from(mime, 'latin1'))
    const parts = mail.attachments.filter(({ contentType }) => contentType !== 'image/png')
    expect(parts.map(({ content }) => content.toString())).toEqual([calendar, calendar])
    expect(parts.at(-1)).toMatchObject({ contentType: 'application/ics', filename: 'invite.ics' })
  })

  test.each([
    ['text alone', { html: undefined }, ['text/plain', 'text/calendar']],
    ['html alone', { text: undefined }, ['text/html', 'text/calendar']],
  ])('is sent together with %s', async (_what, changes, forms) => {
    const mime = await write({ ...changes, attachments: [file('text/calendar; method=CANCEL')] })
    expect(outline(mime)).toEqual([
      ...['multipart/mixed', '  multipart/alternative', ...forms.map((form) => `    ${form}`)],
      '  application/ics',
    ])
  })

  test('may be the only content', async () => {
    const attachments = [file('text/calendar; method=REPLY')]
    expect(outline(await write({ text: undefined, html: undefined, attachments }))).toEqual([
      ...['multipart/mixed', '  text/calendar', '  application/ics'],
    ])
  })

  test('is the same for a provider that reads recipients from the mail', async () => {
    const message = buildOutboundMessage({ attachments: [file('text/calendar; method=REQUEST')] })
    expect(outline((await buildPendingMime(message)).toString('latin1'))).toContain('    text/calendar')
  })

  test('has the method of its type, in the named charset', () => {
    const typeOf = (contentType: string) => divide([file(contentType)]).calendar?.contentType
    expect(typeOf('text/calendar;method=REQUEST')).toBe('text/calendar;method=REQUEST; charset=utf-8')
    const own = 'text/calendar; charset="ISO-8859-1"; component=VEVENT; method=Request'
    expect(typeOf(own)).toBe(own)
    expect(methodOf(own)).toBe('REQUEST')
  })

  test('is used once; a second one stays a file, and so does a calendar without a method', async () => {
    const others = [file('text/calendar; method=REQUEST'), file('text/calendar; charset=utf-8')]
    const { calendar: first, files } = divide([file('text/calendar; method=CANCEL'), ...others])
    expect(first?.contentType).toContain('CANCEL')
    expect(files.map(({ contentType }) => contentType)).toEqual([
      ...['application/ics', 'text/calendar; method=REQUEST', 'text/calendar; charset=utf-8'],
    ])
    expect(outline(await write({ html: undefined, attachments: [file('text/calendar')] }))).toEqual([
      ...['multipart/mixed', '  text/plain', '  text/calendar'],
    ])
  })
})

describe('22 an AMP part', () => {
  test('is between text and html, before an invitation, and is no file', async () => {
    const mime = await write({ attachments: [amp, file('text/calendar; method=REQUEST')] })
    expect(outline(mime)).toEqual([
      'multipart/mixed',
      '  multipart/alternative',
      ...['    text/plain', '    text/x-amp-html', '    text/html', '    text/calendar'],
      '  application/ics',
    ])
    expect(mime).toContain('Content-Type: text/x-amp-html; charset=utf-8\r\n')
    expect(mime).toContain('<html =E2=9A=A14email>\r\n</html>')
  })
})

test.each([
  ['text/calendar; method=REQUEST', 'calendar'],
  ['TEXT/Calendar ;charset=utf-8;\tMETHOD="reply"', 'calendar'],
  ['text/calendar', undefined],
  ['text/calendar; x-method=REQUEST', undefined],
  ['text/calendar; method=""', undefined],
  ['application/ics; method=REQUEST', undefined],
  ['text/x-amp-html', 'amp'],
  ['Text/X-AMP-html; charset=utf-8', 'amp'],
  ['text/x-amp-html5', undefined],
  ['text/html', undefined],
])('22 %s is %s', (contentType, alternative) => {
  expect(alternativeOf(contentType)).toBe(alternative)
})

describe('23 and 24 a message', () => {
  test('to blind copies alone has an empty group in To, and names no copy', async () => {
    const mime = await write({ to: [], bcc: [{ address: 'hidden@example.net' }] })
    expect(mime.match(/^To:.*$/gm)).toEqual(['To: undisclosed-recipients:;'])
    expect(mime).not.toContain('hidden@')
  })

  test('to blind copies alone names them only in Bcc for a provider that reads Bcc', async () => {
    const bcc = [{ address: 'hidden@example.net' }]
    const message = buildOutboundMessage({ to: [], bcc, envelopeTo: ['hidden@example.net'] })
    const mime = (await buildPendingMime(message)).toString('latin1')
    expect(mime).toMatch(/^Bcc: hidden@example\.net\r\n/)
    expect(mime).not.toMatch(/^To:/m)
  })

  test('to Cc recipients alone has no To', async () => {
    const mime = await write({
      to: [],
      cc: [{ address: 'c@example.net' }],
      bcc: [{ address: 'b@example.net' }],
    })
    expect(mime).toContain('\r\nCc: c@example.net\r\n')
    expect(mime).not.toMatch(/^To:|b@example/m)
  })

  test('without a subject has no Subject field, and a message of only files has no empty text', async () => {
    const files = [file('application/pdf'), file('application/pdf')]
    const mime = await write({ subject: '', text: undefined, html: undefined, attachments: files })
    expect(mime).not.toMatch(/^Subject/m)
    expect(outline(mime)).toEqual(['multipart/mixed', '  application/pdf', '  application/pdf'])
    const one = await write({ subject: '', text: undefined, html: undefined, attachments: files.slice(1) })
    const mail = await simpleParser(Buffer.from(one, 'latin1'))
    expect(mail.attachments).toMatchObject([{ filename: 'invite.ics', content: Buffer.from(calendar) }])
  })
})
