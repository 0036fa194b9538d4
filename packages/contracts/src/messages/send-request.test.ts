import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addresses,
  badMessages,
  goodMessage as base,
  goodFile as file,
  keys,
} from '../../test/bad-messages.ts'
import { Problem } from '../problems/problems.ts'
import type { NewMessage } from './new-message.ts'
import { parseSendBatch, parseSendRequest } from './send-request.ts'

const parseWholeBatch = (...given: Parameters<typeof parseSendBatch>) => [...parseSendBatch(...given)]

const now = new Date('2026-11-20T12:00:00Z')
const parse = (change: object): NewMessage => parseSendRequest({ ...base, ...change }, { now })

function problemOf(run: () => unknown): Problem {
  try {
    run()
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error('was accepted')
}

describe('a message', () => {
  test('with the required fields only gets the defaults', () => {
    expect(parse({})).toEqual({
      from: { address: 'app@acme.example' },
      to: [{ address: 'user@example.net' }],
      cc: [],
      bcc: [],
      replyTo: [],
      subject: 'Hello',
      text: 'Hi',
      html: undefined,
      headers: {},
      attachments: [],
      tags: [],
      metadata: {},
      sendAt: undefined,
      stream: 'transactional',
      connectionId: undefined,
    })
  })

  test('with every field is normalised', () => {
    const message = parse({
      from: { email: 'app@ACME.example.', name: 'Acme, Inc.' },
      to: ['Ann <ann@Bücher.example>', { email: 'ben@example.net' }],
      cc: { email: 'cy@example.net', name: '' },
      bcc: '<di@example.net>',
      reply_to: ['"Help, please" <help@acme.example>'],
      html: '<p>Hi</p>',
      text: '',
      headers: { 'List-Unsubscribe': '<https://acme.example/u/1>', 'X-Order': 'größer' },
      attachments: [{ ...file, content_id: 'logo', content_type: 'image/png' }, file],
      tags: ['receipt', 'eu:1', 'receipt'],
      metadata: { order: '1\n2' },
      send_at: '2026-11-20T14:00:00+01:00',
      stream: 'bulk',
      connection: 'con_01m7wa5yjwe1qr5m7w1gzh99cc',
    })
    const content = Buffer.from('hello')
    expect(message).toEqual({
      from: { address: 'app@acme.example', name: 'Acme, Inc.' },
      to: [{ address: 'ann@xn--bcher-kva.example', name: 'Ann' }, { address: 'ben@example.net' }],
      cc: [{ address: 'cy@example.net' }],
      bcc: [{ address: 'di@example.net' }],
      replyTo: [{ address: 'help@acme.example', name: 'Help, please' }],
      subject: 'Hello',
      text: undefined,
      html: '<p>Hi</p>',
      headers: { 'List-Unsubscribe': '<https://acme.example/u/1>', 'X-Order': 'größer' },
      attachments: [
        { filename: 'a.txt', contentType: 'image/png', contentId: 'logo', disposition: 'inline', content },
        {
          filename: 'a.txt',
          contentType: 'text/plain',
          contentId: undefined,
          disposition: 'attachment',
          content,
        },
      ],
      tags: ['receipt', 'eu:1'],
      metadata: { order: '1\n2' },
      sendAt: new Date('2026-11-20T13:00:00Z'),
      stream: 'bulk',
      connectionId: '01a1f8a2-fa5c-706f-82d0-fc0c3f14a58c',
    })
  })

  test('counts an address once, in the first of to, cc and bcc, for any case of its domain', () => {
    const message = parse({
      to: ['a@example.net', 'A@example.net', 'a@EXAMPLE.net'],
      cc: ['b@example.net', 'a@Example.NET'],
      bcc: 'b@example.net.',
    })
    expect(message.to.map(({ address }) => address)).toEqual(['a@example.net', 'A@example.net'])
    expect(message.cc.map(({ address }) => address)).toEqual(['b@example.net'])
    expect(message.bcc).toEqual([])
  })

  test.each<[string, object]>([
    ['50 recipients', { to: addresses(50) }],
    ['a from list of one', { from: ['app@acme.example'] }],
    ['an empty cc', { cc: [] }],
    [
      'custom headers in use',
      { headers: { 'In-Reply-To': '<a@b>', References: '<a@b>', 'X-Foo': '', Precedence: 'bulk' } },
    ],
    ['a header called as a member of Object', { headers: { constructor: 'x', toString: 'y' } }],
    ['metadata called as a member of Object', { metadata: { constructor: 'x' } }],
    ['50 attachments', { attachments: Array.from({ length: 50 }, () => file) }],
    [
      '25 MiB of attachments',
      { attachments: [{ ...file, content: Buffer.alloc(25 * 1024 * 1024).toString('base64') }] },
    ],
    ['a subject of 998', { subject: 's'.repeat(998) }],
    ['30 days ahead', { send_at: '2026-12-20T12:00:00Z' }],
    ['emoji in a subject', { subject: '👍🏽 ok' }],
    ['23 no recipient in to', { to: undefined, bcc: 'a@example.net' }],
    ['23 an empty to, and a cc', { to: [], cc: ['a@example.net'] }],
    ['24 no subject', { subject: undefined }],
    ['24 an empty subject', { subject: '' }],
    ['24 a file alone', { subject: '', text: '', attachments: [file] }],
    ['25 an author with a quoted address', { from: '"sales team"@acme.example' }],
    [
      '22 an invitation alone',
      { text: '', attachments: [{ ...file, content_type: 'text/calendar; method=REPLY' }] },
    ],
    [
      '22 an invitation in another charset',
      {
        attachments: [
          { ...file, content: '/w==', content_type: 'text/calendar; charset=iso-8859-1; method=REPLY' },
        ],
      },
    ],
    ['22 an AMP part', { html: '<p>Hi</p>', attachments: [{ ...file, content_type: 'text/x-amp-html' }] }],
  ])('with %s is accepted', (_, change) => {
    expect(() => parse(change)).not.toThrow()
  })

  test('25 counts an address once, for every way to quote it', () => {
    const message = parse({
      to: ['"a.b"@example.net', 'a.b@example.net', 'a..b@docomo.example'],
      cc: ['"a..b"@docomo.example', '"a b"@example.net'],
      bcc: ['"a\\ b"@EXAMPLE.net'],
    })
    expect(message.to.map(({ address }) => address)).toEqual(['a.b@example.net', '"a..b"@docomo.example'])
    expect(message.cc.map(({ address }) => address)).toEqual(['"a b"@example.net'])
    expect(message.bcc).toEqual([])
  })

  test('with send_at up to an hour past is sent now', () => {
    expect(parse({ send_at: '2026-11-20T11:00:00Z' }).sendAt).toBeUndefined()
  })
})

describe('is refused, with its code and place:', () => {
  test.each(badMessages)('%s', (_, change, pointer, code = 'validation-failed') => {
    const problem = problemOf(() => parse(change))
    expect(problem.errors).toEqual([{ pointer, detail: expect.any(String) }])
    expect(problem.code).toBe(code)
  })

  test.each(
    [
      ...[
        'From',
        'Sender',
        'To',
        'Cc',
        'Bcc',
        'bcc',
        'Reply-To',
        'Return-Path',
        'Subject',
        'Date',
        'Message-ID',
      ],
      ...[
        'DKIM-Signature',
        'Received',
        'Content-Type',
        'Content-Transfer-Encoding',
        'MIME-Version',
        'ARC-Seal',
      ],
      ...['X-SES-CONFIGURATION-SET', 'X-SMTPAPI', 'Resend-Idempotency-Key', 'X-LG-Id', 'X-PM-Message-Stream'],
      ...['X-MC-Metadata', 'X-Mailgun-Variables', 'X-MSYS-API', 'X-Mailin-custom', 'Resent-To', 'x-smtpapi'],
    ].map((name) => [name]),
  )('41 the header %s', (name) => {
    const problem = problemOf(() => parse({ headers: { [name]: 'x' } }))
    expect(problem.code).toBe('header-not-allowed')
    expect(problem.errors).toEqual([
      { pointer: `#/headers/${name}`, detail: 'may only be set by the gateway' },
    ])
  })

  test('53 more than 25 MiB of attachments', () => {
    const content = 'A'.repeat(34_952_540)
    const problem = problemOf(() => parse({ attachments: [{ ...file, content }] }))
    expect(problem.code).toBe('payload-too-large')
    expect(problem.errors?.[0]?.pointer).toBe('#/attachments')
  })

  test('33 ten million recipients, without reading each', () => {
    const problem = problemOf(() => parse({ to: new Array(10_000_000) }))
    expect(problem.errors).toEqual([
      { pointer: '#/to', detail: 'has 10000000 items; at most 50 are allowed' },
    ])
  })

  test.each([[null], [[]], ['x'], [5], [true], [undefined]])('7 %j as body', (value) => {
    expect(problemOf(() => parseSendRequest(value)).errors).toEqual([
      { pointer: '#', detail: 'is not a JSON object' },
    ])
  })
})

describe('the answer', () => {
  test('names all faults at once, each with its own code where they differ', () => {
    const problem = problemOf(() =>
      parseSendRequest({
        to: ['a', 'é@b.example'],
        subject: 5,
        colour: 1,
        headers: { Bcc: 'x' },
        tracking: {},
      }),
    )
    expect(problem.code).toBe('validation-failed')
    expect(problem.errors?.map(({ pointer, code }) => [pointer, code])).toEqual(
      expect.arrayContaining([
        ['#/from', undefined],
        ['#/to/0', undefined],
        ['#/to/1', 'utf8-not-supported'],
        ['#/subject', undefined],
        ['#/colour', undefined],
        ['#/text', undefined],
        ['#/headers/Bcc', 'header-not-allowed'],
        ['#/tracking', 'field-not-supported'],
      ]),
    )
    expect(problem.errors).toHaveLength(8)
  })

  test('stays small for any number of faults', () => {
    const problem = problemOf(() =>
      parse({
        to: new Array(50).fill('x'.repeat(900)),
        cc: new Array(50).fill('y'),
        bcc: new Array(50).fill('z'),
      }),
    )
    expect(problem.errors).toHaveLength(20)
    const longKey = problemOf(() => parse({ ['k'.repeat(1_000_000)]: 1 }))
    expect(JSON.stringify(longKey.errors).length).toBeLessThan(1_000)
  })

  test('repeats no refused value', () => {
    const problem = problemOf(() =>
      parse({ to: 'hunter2', stream: 'hunter2', attachments: [{ ...file, filename: 'hunter2\0' }] }),
    )
    expect(JSON.stringify(problem) + problem.message).not.toContain('hunter2')
  })
})

test('every body gives a message or a problem of the client', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.emailAddress())
  const field = fc.oneof(text, fc.array(text, { maxLength: 3 }), fc.jsonValue())
  const record = fc.dictionary(text, field, { maxKeys: 3 })
  const fields = ['from', 'to', 'cc', 'bcc', 'reply_to', 'html', 'tags', 'send_at', 'stream']
  const body = fc.record(
    {
      ...Object.fromEntries(fields.map((name) => [name, field])),
      subject: text,
      text,
      headers: fc.oneof(record, field),
      metadata: record,
      attachments: fc.array(
        fc.record(
          { filename: text, content: fc.oneof(text, fc.base64String()), content_id: text },
          { requiredKeys: [] },
        ),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(body, fc.jsonValue()), (value) => {
      try {
        const message = parseSendRequest(value, { now })
        expect(message.to.length + message.cc.length + message.bcc.length).toBeGreaterThan(0)
      } catch (error) {
        expect(error).toBeInstanceOf(Problem)
        if (error instanceof Problem) expect(error.status).toBeLessThan(500)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('a __proto__ key does not affect later requests', () => {
  problemOf(() =>
    parse(
      JSON.parse('{"headers":{"__proto__":{"polluted":"yes"}},"metadata":{"__proto__":{"polluted":"yes"}}}'),
    ),
  )
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  expect(Object.getPrototypeOf(parse({ metadata: { a: 'b' } }).metadata)).toBeNull()
})

describe('a batch', () => {
  test('checks each message separately, in order', () => {
    const results = parseWholeBatch({ messages: [base, { ...base, to: ['a'] }, null, base] }, { now })
    expect(results.map((result) => (result instanceof Problem ? result.errors : result.subject))).toEqual([
      'Hello',
      [{ pointer: '#/messages/1/to/0', detail: 'has no @' }],
      [{ pointer: '#/messages/2', detail: 'is not a JSON object' }],
      'Hello',
    ])
  })

  test('with one message of too many keys still accepts the others', () => {
    const results = parseWholeBatch({ messages: [base, { ...base, metadata: keys(60_000, 'x') }] }, { now })
    expect(results.map((result) => result instanceof Problem)).toEqual([false, true])
  })

  test.each([
    ['no list', {}, '#/messages'],
    ['an empty list', { messages: [] }, '#/messages'],
    ['501 messages', { messages: new Array(501).fill(base) }, '#/messages'],
    ['an unknown field', { messages: [base], x: 1 }, '#/x'],
    ['a list as body', [base], '#'],
  ])('with %s is refused completely', (_, value, pointer) => {
    const problem = problemOf(() => parseWholeBatch(value))
    expect(problem.code).toBe('validation-failed')
    expect(problem.errors?.[0]?.pointer).toBe(pointer)
  })

  test('of 500 messages is accepted', () => {
    expect(parseWholeBatch({ messages: new Array(500).fill(base) })).toHaveLength(500)
  })
})

describe('S7: faults have bounds', () => {
  const many = (count: number, name: (i: number) => string) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), 'x\ny']))
  const problemsOf = (messages: unknown[]) =>
    parseWholeBatch({ messages }, { now }).filter((entry) => entry instanceof Problem)

  test('twenty of one message are named, and the text has the number of all', () => {
    const bad = { ...base, to: Array(50).fill('nonsense'), headers: many(50, (i) => `Bad Name ${i}`) }
    const [problem] = problemsOf([bad])
    expect(problem?.errors).toHaveLength(20)
    expect(problem?.detail).toMatch(/\(and \d{2,3} more\)$/)
    expect(Number(problem?.detail.match(/and (\d+) more/)?.[1])).toBeGreaterThanOrEqual(99)
  })

  test('200 of a batch are named; the other problems name their first fault', () => {
    const bad = { ...base, to: Array(50).fill('nonsense') }
    const problems = problemsOf(Array(499).fill(bad))
    expect(problems).toHaveLength(499)
    expect(problems.flatMap(({ errors }) => errors ?? [])).toHaveLength(200)
    expect(problems.at(-1)?.detail).toBe(
      `#/messages/498/to/0: ${problems[0]?.errors?.[0]?.detail} (and 49 more)`,
    )
  })

  test.each([
    ['ASCII names', (i: number) => `${'n '.repeat(5_000)}${i}`],
    ['names beyond ASCII', (i: number) => `${'\u4e2d'.repeat(5_000)}${i}`],
    ['names of signs that JSON escapes', (i: number) => `${'"\\\u0001'.repeat(2_000)}${i}`],
  ])('the answer to 499 messages with 50 bad addresses and 50 bad %s is less than 1 MB', (_, name) => {
    const bad = {
      ...base,
      to: Array(50).fill('"\\'.repeat(100)),
      headers: many(50, name),
      metadata: many(50, name),
    }
    const problems = problemsOf([base, ...Array(499).fill(bad)])
    const said = JSON.stringify(
      problems.map(({ code, detail, errors, title }) => ({ code, detail, errors, title })),
    )
    expect(said.length).toBeLessThan(1_000_000)
    for (const { pointer } of problems.flatMap(({ errors }) => errors ?? [])) {
      expect(pointer.length).toBeLessThan(350)
    }
  })
})
