import { parseSendRequest } from '@lettergate/contracts/messages/send-request'
import { buildMime } from '@lettergate/providers/lib/mime'
import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { expect, test } from 'vitest'

/** Texts of an attacker: line ends of every kind, header and boundary look-alikes, between harmless words. */
const piece = fc.oneof(
  fc.constantFrom('\r\n', '\n', '\r', '\0', '\u0085', '\u2028', '\x0b', '\t', ' '),
  fc.constantFrom(
    'Bcc: e@evil.example',
    'To: e@evil.example',
    '--=_lg',
    '.',
    '<e@evil.example>',
    ',',
    ';',
    '"',
    ':',
  ),
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
)
const hostile = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''))
const harmless = fc.stringMatching(/^[a-z]([a-z .,;:"<>@=?_-]{0,38}[a-z])?$/)
const good = fc.constantFrom('a@example.net', 'B+x@Example.NET', "o'hara@b.example")
const mailbox = fc.oneof(good, fc.record({ email: good, name: harmless }))
const file = fc.record({ filename: fc.constantFrom('a.txt', 'b c.pdf'), content: fc.constant('eA==') })
const plain = fc.record(
  {
    from: mailbox,
    to: fc.array(mailbox, { minLength: 1, maxLength: 3 }),
    cc: fc.array(fc.constantFrom('c@example.net', 'd@example.net'), { maxLength: 2 }),
    bcc: fc.array(fc.constantFrom('blind@secret.example'), { maxLength: 1 }),
    reply_to: fc.array(mailbox, { maxLength: 1 }),
    subject: harmless,
    text: harmless,
    html: harmless,
    headers: fc.dictionary(fc.constantFrom('X-A', 'X-B'), harmless, { maxKeys: 2 }),
    attachments: fc.array(file, { maxLength: 1 }),
  },
  { requiredKeys: ['from', 'to', 'subject', 'text'] },
)
/** One place at a time, or nothing would ever be accepted. */
const change = fc.oneof(
  hostile.map((text) => ({ subject: text })),
  hostile.map((text) => ({ text })),
  hostile.map((text) => ({ html: text })),
  hostile.map((name) => ({ from: { email: 'a@example.net', name } })),
  hostile.map((name) => ({ to: [{ email: 'a@example.net', name }] })),
  hostile.map((text) => ({ to: [`a${text}@example.net`] })),
  hostile.map((text) => ({ reply_to: [`a@example.net${text}`] })),
  hostile.map((text) => ({ headers: { 'X-A': text } })),
  hostile.map((name) => ({ headers: { [`X-A${name}`]: 'x' } })),
  hostile.map((filename) => ({ attachments: [{ filename, content: 'eA==' }] })),
  hostile.map((text) => ({
    attachments: [{ filename: 'a.txt', content: 'eA==', content_type: `text/plain${text}` }],
  })),
)
const request = fc.tuple(plain, change).map(([body, changed]) => ({ ...body, ...changed }))

function accept(body: unknown) {
  try {
    return parseSendRequest(body)
  } catch {
    return null
  }
}

/** Names of the header fields in order, folded lines joined. */
function fieldNames(mime: string): string[] {
  const head = mime.slice(0, mime.indexOf('\r\n\r\n'))
  return head
    .replaceAll(/\r\n[ \t]/g, ' ')
    .split('\r\n')
    .map((line) => line.slice(0, line.indexOf(':')).toLowerCase())
}

test('every accepted message is written as a mail with exactly its own header fields, recipients and parts', async () => {
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(request, async (body) => {
      const message = accept(body)
      if (!message) return
      accepted++
      const built = await buildMime({
        id: 'msg_01m7wa5yjwe1qr5m7w1gzh99cc',
        attemptKey: 'x',
        createdAt: new Date(0),
        from: message.from,
        to: message.to,
        cc: message.cc,
        bcc: message.bcc,
        replyTo: message.replyTo,
        envelopeTo: [...message.to, ...message.cc, ...message.bcc].map((one) => one.address),
        subject: message.subject,
        text: message.text,
        html: message.html,
        headers: message.headers,
        attachments: message.attachments,
        tags: [],
        metadata: {},
      })
      const mime = built.toString('latin1')
      const own = Object.keys(message.headers).map((name) => name.toLowerCase())
      const names = fieldNames(mime)
      const may = [
        'from',
        'to',
        'subject',
        'message-id',
        'date',
        'mime-version',
        'content-type',
        'x-lg-id',
        'content-transfer-encoding',
        // Of a mail that is a file alone.
        'content-disposition',
      ]
      expect(
        names.filter((name) => !own.includes(name) && ![...may, 'cc', 'reply-to'].includes(name)),
      ).toEqual([])
      expect(new Set(names).size).toBe(names.length)
      expect(names.includes('cc')).toBe(message.cc.length > 0)
      // Bare CR or LF is how a mail is smuggled into another one.
      expect(mime.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/)
      expect(mime).not.toContain('secret.example')
      const bodies = [message.text, message.html].filter((one) => one !== undefined && one !== '').length
      const wanted = bodies + message.attachments.length
      const leaves = mime.match(/^content-type: (?!multipart)/gim)?.length ?? 0
      expect(leaves).toBe(wanted)
      const mail = await simpleParser(built, { skipTextToHtml: true })
      const read = (list: typeof mail.to) =>
        [list ?? []].flat().flatMap(({ value }) => value.map((one) => one.address))
      expect(read(mail.to)).toEqual(message.to.map((one) => one.address))
      expect(read(mail.cc)).toEqual(message.cc.map((one) => one.address))
      expect(read(mail.from)).toEqual([message.from.address])
    }),
    { numRuns: 1_500 },
  )
  expect(accepted).toBeGreaterThan(200)
})
