import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { slowMs } from '../../test/cpu.ts'
import { parseReport } from './parse-report.ts'

const folder = new URL('fixtures/reports/', import.meta.url)
const names = readdirSync(folder).map((name) => name.replace('.eml', ''))
const receivedAt = new Date('2026-11-20T15:00:00Z')
const rawOf = (name: string) => readFileSync(new URL(`${name}.eml`, folder))
const parse = (name: string) => parseReport(rawOf(name), receivedAt)
const eventsOf = (name: string) => {
  const report = parse(name)
  return report.kind === 'report' ? report.events : []
}

const messageId = 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk'
const mimeMessageId = `${messageId}@example.com`
const hard = { kind: 'bounced', bounce: 'hard', recipient: 'gone@example.org', enhancedStatus: '5.1.1' }

test.each<[string, object[]]>([
  ['postfix-failed', [{ ...hard, mimeMessageId, code: 'failed' }]],
  ['postfix-delayed', [{ kind: 'deferred', recipient: 'slow@example.org', enhancedStatus: '4.4.1' }]],
  ['postfix-delivered', [{ kind: 'delivered', recipient: 'reader+tag@example.org' }]],
  ['postfix-expired', [{ kind: 'bounced', bounce: 'soft', enhancedStatus: '4.4.1' }]],
  ['exchange-online', [{ ...hard, enhancedStatus: '5.1.10' }]],
  [
    'exchange-blocked',
    [{ kind: 'bounced', bounce: 'block', recipient: 'reader@example.net', enhancedStatus: '5.7.606' }],
  ],
  ['gmail', [{ ...hard, at: new Date('2026-11-20T10:00:06Z') }]],
  [
    'sendmail-three',
    [
      { bounce: 'hard', recipient: 'a@example.org' },
      { bounce: 'soft', recipient: 'b@example.org', reason: '552 5.2.2 mailbox full' },
      { kind: 'delivered', recipient: 'c@example.org' },
    ],
  ],
  ['vague-status', [hard]],
  ['no-action', [hard]],
  ['no-recipient', [hard]],
  ['no-returned-part', [hard]],
  ['no-blank-line', [hard]],
  ['base64', [hard]],
  ['utf8', [{ kind: 'bounced', bounce: 'hard', reason: '550 5.1.1 größe@example.org unbekannt' }]],
  ['exim', [hard, { kind: 'bounced', bounce: 'soft', recipient: 'full@example.org' }]],
  [
    'qmail',
    [hard, { kind: 'bounced', bounce: 'block', recipient: 'reader@example.net', enhancedStatus: '5.7.1' }],
  ],
  ['exchange-old', [{ ...hard, recipient: 'gone@example.net' }]],
  [
    'complaint',
    [
      {
        kind: 'complained',
        recipient: 'reader@example.org',
        code: 'abuse',
        at: new Date('2026-11-20T10:00:03Z'),
      },
    ],
  ],
  [
    'complaint-two',
    [
      { recipient: 'reader@example.org' },
      { kind: 'complained', recipient: 'copy@example.org', code: 'fraud' },
    ],
  ],
  ['complaint-redacted', [{ kind: 'complained', recipient: undefined }]],
  ['complaint-opt-out', [{ kind: 'unsubscribed', recipient: 'gone@example.org' }]],
  ['complaint-outlook', [{ kind: 'complained', recipient: 'reader@hotmail.example' }]],
])('%s reports %o', (name, events) => {
  expect(eventsOf(name)).toMatchObject(events.map((event) => ({ messageId, ...event })))
})

test('a postfix report is read completely', () => {
  expect(eventsOf('postfix-failed')).toEqual([
    {
      ...hard,
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      at: new Date('2026-11-20T10:00:05Z'),
      messageId,
      mimeMessageId,
      code: 'failed',
      reason: '550 5.1.1 <gone@example.org>: Recipient address rejected: User unknown',
    },
  ])
})

test('a delay report in plain text names the recipient, but not the message', () => {
  expect(eventsOf('exim-delayed')).toMatchObject([
    {
      kind: 'deferred',
      recipient: 'slow@example.org',
      messageId: undefined,
      reason: expect.stringContaining('connection timed out'),
    },
  ])
})

test.each([
  ['complaint-not-spam', { kind: 'report', events: [] }],
  ['complaint-auth-failure', { kind: 'report', events: [] }],
  ['out-of-office', { kind: 'auto-reply' }],
  ['vacation-null-path', { kind: 'auto-reply' }],
  ['abwesend', { kind: 'auto-reply' }],
  ['own-message', { kind: 'loop' }],
  ['circle', { kind: 'loop' }],
  ['person', { kind: 'mail' }],
])('%s is %o', (name, report) => {
  expect(parse(name)).toEqual(report)
})

describe('any form of a mail', () => {
  test('lines may end with CRLF or LF', () => {
    for (const name of names) {
      const crlf = Buffer.from(rawOf(name).toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
      expect(parseReport(crlf, receivedAt)).toEqual(parse(name))
    }
  })

  test('a repeated report has the same ids, and another recipient has another id', () => {
    const later = new Date('2026-11-21T15:00:00Z')
    for (const name of names) expect(parseReport(rawOf(name), later)).toEqual(parse(name))
    const ids = names.flatMap((name) =>
      eventsOf(name).map(({ id, recipient }) => `${name} ${id} ${recipient}`),
    )
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('a report that is cut off anywhere, or altered, is never an error', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.nat(),
        fc.nat(),
        fc.uint8Array({ maxLength: 20 }),
        (name, from, to, bytes) => {
          const raw = rawOf(name)
          const [start, end] = [from % raw.length, to % raw.length]
          const altered = Buffer.concat([raw.subarray(0, start), bytes, raw.subarray(Math.min(start, end))])
          for (const mail of [altered, raw.subarray(0, start)]) {
            const report = parseReport(mail, receivedAt)
            if (report.kind !== 'report') continue
            for (const event of report.events) expect((event.reason ?? '').length).toBeLessThanOrEqual(500)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('an id is accepted only if it is complete', () => {
    const raw = rawOf('postfix-failed').toString().replaceAll(messageId, 'msg_01k9z8y7x6w5v4t3s2r1q0pnm')
    const report = parseReport(Buffer.from(raw), receivedAt)
    expect(report).toMatchObject({ events: [{ messageId: undefined, recipient: 'gone@example.org' }] })
  })

  test('a plain text with an empty return path is a bounce from any address', () => {
    const raw = rawOf('qmail')
      .toString()
      .replace('From: MAILER-DAEMON@', 'From: Mail Administrator <bounces@')
      .replace('mx.example.org\nTo', 'mx.example.org>\nTo')
    expect(parseReport(Buffer.from(raw), receivedAt)).toEqual(parse('qmail'))
  })

  test('a complaint that names no recipient is not about the one in To if there is one in Cc', () => {
    const cc = 'To: a@example.org\nCc: b@example.org'
    const raw = rawOf('complaint-redacted').toString().replace('To: a@example.org, b@example.org', cc)
    expect(parseReport(Buffer.from(raw), receivedAt)).toMatchObject({ events: [{ recipient: undefined }] })
  })

  test('a report inside four multiparts is read, and one inside more is not', () => {
    const status = 'Content-Type: message/delivery-status\n\nFinal-Recipient: a@b.c\nAction: failed\n'
    const within = (depth: number) =>
      Array.from(
        { length: depth },
        (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}\n`,
      ).join('')
    const kindOf = (depth: number) => parseReport(Buffer.from(within(depth) + status), receivedAt).kind
    expect([kindOf(4), kindOf(5)]).toEqual(['report', 'mail'])
  })

  test('a reply of a person is no bounce, also with an address on a line', () => {
    const raw = rawOf('person')
      .toString()
      .replace('reader@example.org>\nFrom', 'reader@example.org>\nX: y\nFrom')
    expect(parseReport(Buffer.from(raw), receivedAt)).toEqual({ kind: 'mail' })
  })
})

test('S1: no odd mail blocks the thread for 50 ms', { timeout: 120_000 }, async () => {
  const bytes = 4_000_000
  const fill = (unit: string) => unit.repeat(bytes / unit.length)
  const report = (status: string) =>
    `From: MAILER-DAEMON@x.example\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/delivery-status\n\n${status}`
  const units = [
    'a',
    ' ',
    '\n',
    '\n\n',
    ': ',
    'a:b\n',
    ' x\n',
    '\n a',
    '<',
    'a@b.c\n',
    '--b\n',
    '=\n',
    '=3D',
    '(',
    '5.1.1 ',
    'msg_',
    '+2B',
    '"',
    ';',
    'a=b;',
  ]
  const nested = Array.from(
    { length: 2_000 },
    (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}\n`,
  ).join('')
  const odd = [
    ...units.map(fill),
    ...units.map((unit) => `From: MAILER-DAEMON@x.example\n\n${fill(unit)}`),
    ...units.map((unit) => `Content-Type: multipart/mixed; boundary=${fill(unit)}\n\n`),
    ...units.map((unit) => `Content-Type: multipart/mixed; boundary=b\n\n--b\n${fill(unit)}`),
    ...units.map((unit) => report(`Final-Recipient: rfc822; ${fill(unit)}`)),
    ...units.map((unit) =>
      report(fill(`Final-Recipient: rfc822; a@b.c\nAction: failed\nDiagnostic-Code: ${unit}\n\n`)),
    ),
    nested,
  ]
  const slow: string[] = []
  for (const [at, text] of odd.entries()) {
    const raw = Buffer.from(text)
    const ms = await slowMs(() => parseReport(raw, receivedAt))
    if (ms !== null) slow.push(`${at} ${JSON.stringify(text.slice(0, 80))}: ${ms} ms`)
  }
  expect(slow).toEqual([])
})
