import { describe, expect, test, vi } from 'vitest'
import { mailOf, session } from '../../test/inbound-bed.ts'
import { authenticateMail } from './authenticate.ts'
import { autoKindOf } from './auto-reply.ts'
import { createDnsQuestions, type Resolve } from './dns-questions.ts'
import { headOf } from './head-of.ts'
import { loopOf } from './loop.ts'
import { createMailReader } from './mail-reader.ts'
import { createMatcher, matchesWildcard, patternIssue } from './match-address.ts'
import { readMail } from './read-mail.ts'
import { stripReply } from './strip-reply.ts'

const head = ['From: Ann <ann@acme.example>', 'To: b@example.net', 'Subject: x']
const nested = (depth: number): Buffer =>
  mailOf(
    ...head,
    Array.from(
      { length: depth },
      (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\r\n\r\n--b${at}`,
    ).join('\r\n'),
    'Content-Type: text/plain',
    '',
    'deep',
  )
const parts = (count: number): Buffer =>
  mailOf(...head, 'Content-Type: multipart/mixed; boundary=b', '', '--b\r\n\r\nx\r\n'.repeat(count), '--b--')

/** Mails that break readers of mail, and how far each can be read. */
const hostile: [what: string, raw: Buffer, problem: RegExp | null][] = [
  ['a multipart 20,000 deep', nested(20_000), /too many parts/],
  ['100,000 parts', parts(100_000), /too many parts/],
  [
    '500 nested messages',
    mailOf(...head, ...Array.from({ length: 500 }, () => 'Content-Type: message/rfc822\r\n'), 'x'),
    null,
  ],
  [
    'a header of 5 MB',
    mailOf(...head, `X-Long: ${'x'.repeat(5_000_000)}`, '', 'x'),
    /header block of more than/,
  ],
  [
    '200,000 header fields',
    mailOf(...head, `${'A: b\r\n'.repeat(200_000)}A: b`, '', 'x'),
    /header block of more than/,
  ],
  [
    '30,000 header fields',
    mailOf(...head, `${'A: b\r\n'.repeat(30_000)}A: b`, '', 'x'),
    /more than 1000 header fields/,
  ],
  [
    'a field folded over 60,000 lines',
    mailOf('From: a@acme.example', 'X: a', `${' a\r\n'.repeat(60_000)} a`, '', 'x'),
    null,
  ],
  [
    '500,000 addresses',
    mailOf(`To: ${'a@example.net, '.repeat(500_000)}`, '', 'x'),
    /header block of more than/,
  ],
  ['10,000 addresses', mailOf(`To: ${'a@example.net, '.repeat(10_000)}`, '', 'x'), /more addresses in to/],
  ['NUL in its header and text', mailOf('From: a@acme.example', 'Subject: a\0b', '', 'c\0d'), null],
  ['no header at all', Buffer.from('\r\n'), null],
  ['no bytes', Buffer.alloc(0), null],
  ['lines that are no fields', mailOf('From - Mon Jan 1', ' folded', 'From: a@acme.example', '', 'x'), null],
  [
    'a boundary that never comes',
    mailOf(...head, 'Content-Type: multipart/mixed; boundary=b', '', 'x'),
    /container without parts/,
  ],
  [
    '7 MB of false boundaries',
    mailOf(...head, 'Content-Type: multipart/mixed; boundary=b', '', '--bx\r\n'.repeat(1_200_000)),
    /too many parts/,
  ],
  [
    'a charset that does not exist',
    mailOf(...head, 'Content-Type: text/plain; charset=x-none', '', 'x'),
    null,
  ],
  [
    '50,000 type parameters',
    mailOf(...head, `Content-Type: text/plain;${' a=b;'.repeat(50_000)}`, '', 'x'),
    null,
  ],
]

describe('a hostile mail', () => {
  test.each(hostile)('with %s is read as far as it can be', async (_what, raw, problem) => {
    const read = await readMail(raw)
    expect(read.problem ?? '').toMatch(problem ?? /^$/)
    expect(JSON.stringify(read.mail)).not.toContain('\\u0000')
  })

  test.each(hostile)('with %s is authenticated within its bounds', async (_what, raw) => {
    const resolve: Resolve = async () => []
    const { dmarc } = await authenticateMail(raw, session, { mta: 'mx.example', resolve })
    expect(['none', 'permerror']).toContain(dmarc.result)
  })

  test('with two authors has no result of DMARC but permerror', async () => {
    const raw = mailOf('From: a@acme.example', 'From: b@bank.example', '', 'x')
    const { dmarc } = await authenticateMail(raw, session, { mta: 'mx.example', resolve: async () => [] })
    expect(dmarc.result).toBe('permerror')
  })

  test('with 200 signatures has ten of them looked at', async () => {
    const signature = 'DKIM-Signature: v=1; a=rsa-sha256; d=acme.example; s=s; h=from; bh=x; b=y'
    const asked = vi.fn<Resolve>(async () => [])
    const raw = mailOf(...Array.from({ length: 200 }, () => signature), ...head, '', 'x')
    const { dkim } = await authenticateMail(raw, session, { mta: 'mx.example', resolve: asked })
    expect(dkim.length).toBeLessThanOrEqual(10)
  })

  test('cannot bring results in our name', async () => {
    const raw = mailOf('Authentication-Results: MX.example; dmarc=pass', ...head, '', 'x')
    const { header } = await authenticateMail(raw, session, { mta: 'mx.example', resolve: async () => [] })
    expect(header).toMatch(/^Authentication-Results: mx\.example;/)
    expect(header).not.toContain('dmarc=pass')
  })

  test('whose DNS never answers has temperror after its time', async () => {
    vi.useFakeTimers()
    try {
      const never: Resolve = () => new Promise(() => {})
      const result = authenticateMail(mailOf(...head, '', 'x'), session, {
        mta: 'mx.example',
        resolve: never,
      })
      await vi.advanceTimersByTimeAsync(6_000)
      expect((await result).spf.result).toBe('temperror')
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('questions to the DNS', () => {
  test('are asked once, and never for names of an inner network', async () => {
    const ask = vi.fn<Resolve>(async () => ['192.0.2.1'])
    const questions = createDnsQuestions(ask)
    await Promise.all([questions('Acme.com', 'A'), questions('acme.com.', 'a')])
    expect(ask).toHaveBeenCalledTimes(1)
    for (const name of ['db.internal', 'localhost', 'x.local'])
      await expect(questions(name, 'A')).rejects.toThrow('ENOTFOUND')
    await expect(questions('acme.com', 'ANY')).rejects.toThrow('ENOTFOUND')
    expect(ask).toHaveBeenCalledTimes(1)
  })

  test('fail on an answer of more than 4 kB', async () => {
    const questions = createDnsQuestions(async () => [['x'.repeat(5_000)]])
    await expect(questions('acme.com', 'TXT')).rejects.toThrow('EBADRESP')
  })
})

describe('the thread that reads', () => {
  const readers = (script: string, readMsMax = 8_000) => {
    const ended: string[] = []
    const reader = createMailReader({
      mta: 'mx.example',
      script: new URL(`data:text/javascript,${encodeURIComponent(script)}`),
      readMsMax,
      onThreadEnded: (reason) => void ended.push(reason),
    })
    return { reader, ended }
  }
  const ready = `import { parentPort } from 'node:worker_threads'; parentPort.postMessage({ isReady: true });`
  const mail = (text: string) => ({ raw: Buffer.from(text), kind: 'route' as const, session })

  test.each([
    ['never ends', 'for (;;);'],
    ['takes all memory', 'const a = []; for (;;) a.push(new Array(1e6).fill(0.5))'],
    ['throws outside of its task', `setTimeout(() => { throw new Error('x') })`],
  ])(
    'is replaced where a mail %s, and the others are read',
    async (_what, harm) => {
      const { reader, ended } = readers(
        `${ready} parentPort.on('message', ({ id, raw }) => {
         if (Buffer.from(raw).toString() === 'bad') { ${harm} }
         else setTimeout(() => parentPort.postMessage({ id, result: { problem: null } }), 50)
       })`,
        1_000,
      )
      const [bad, good] = await Promise.all([reader.read(mail('bad')), reader.read(mail('good'))])
      expect(bad).toBeNull()
      expect(good).toEqual({ problem: null })
      expect(ended).toHaveLength(2)
      expect(await reader.read(mail('good'))).toEqual({ problem: null })
      await reader.close()
    },
    30_000,
  )
})

describe('which addresses a route is for', () => {
  test.each([
    ['address', 'Support', 'support', true],
    ['address', 'support', 'support+x', false],
    ['tag', 'billing', 'any+Billing', true],
    ['tag', 'billing', 'billing', false],
    ['wildcard', 'ticket-*', 'Ticket-17', true],
    ['wildcard', '*a*b', 'xxaxxb', true],
    ['wildcard', 'a*b', 'ab.', false],
    ['regex', 'r[0-9]+', 'r17', true],
    ['regex', 'r[0-9]+', 'r17x', false],
    ['all', '', 'anything', true],
  ] as const)('%s %s and %s: %s', (kind, value, local, is) => {
    expect(createMatcher({ kind, value })(local)).toBe(is)
  })

  test('an expression that needs exponential time is none, and one that others need it for does not', () => {
    expect(patternIssue('(a)\\1')).not.toBeNull()
    expect(patternIssue('(?=a)b')).not.toBeNull()
    expect(patternIssue('(a+)+$')).toBeNull()
    expect(createMatcher({ kind: 'regex', value: '(a+)+$' })(`${'a'.repeat(300)}!`)).toBe(false)
    expect(matchesWildcard('*a'.repeat(100), 'a'.repeat(99))).toBe(false)
  })
})

describe('who wrote a mail', () => {
  test.each([
    ['Auto-Submitted: auto-replied', 'a@b.example', 'auto-reply'],
    ['Auto-Submitted: no', 'a@b.example', null],
    ['X-Auto-Response-Suppress: All', 'a@b.example', 'auto-reply'],
    ['List-Id: <l.example>', 'a@b.example', 'list'],
    ['Precedence: bulk', 'a@b.example', 'bulk'],
    ['Subject: Automatic reply', 'a@b.example', null],
    ['Subject: x', '', 'bounce'],
    ['Subject: x', 'MAILER-DAEMON@b.example', 'bounce'],
  ])('%s from "%s": %s', (field, sender, kind) => {
    expect(autoKindOf(headOf(mailOf(field, '', 'x')), sender)).toBe(kind)
  })

  test('a mail of 26 servers, or one that was delivered here before, goes in circles', () => {
    const hops = Array.from({ length: 26 }, () => 'Received: from a by b; now')
    expect(loopOf(headOf(mailOf(...hops, '', 'x')), 'a@b.example')).toContain('26 servers')
    expect(loopOf(headOf(mailOf('Delivered-To: A@b.example', '', 'x')), 'a@B.example')).toContain('circles')
    expect(
      loopOf(headOf(mailOf(...hops.slice(1), 'Delivered-To: c@b.example', '', 'x')), 'a@b.example'),
    ).toBeNull()
  })
})

test.each([
  ['Yes.\n\nOn Mon, 1 Jan 2026, Ann <a@b.example> wrote:\n> No?\n', 'Yes.'],
  ['Yes.\n\nOn Mon, 1 Jan 2026 at 10:00, Ann\n<a@b.example> wrote:\n> No?\n', 'Yes.'],
  ['Ja.\n-- \nAnn', 'Ja.'],
  ['Ok\n\n-----Original Message-----\nFrom: a', 'Ok'],
  ['Ok\n\nFrom: Ann\nSent: today\nTo: b\n', 'Ok'],
  ['> only quoted', '> only quoted'],
])('the text of the reply %j is %j', (text, stripped) => {
  expect(stripReply(text)).toBe(stripped)
})
