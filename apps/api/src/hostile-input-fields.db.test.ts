import { toPublicId } from '@lettergate/contracts/lib/ids'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi({ egressAllow: [] })
})
afterAll(() => api.close())

const message = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }
const base64 = Buffer.from('x').toString('base64')
const file = (change: object) => ({ attachments: [{ filename: 'a.txt', content: base64, ...change }] })
const headers = (name: string, value = 'x') => ({ headers: { [name]: value } })
const to = (address: string) => ({ to: [address] })
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`X-A-${i}`, 'x']))

/** One row of the catalogue in, one answer out: what is laid over a good message, and the code of the problem. */
const sends: [row: number, what: string, change: Record<string, unknown>, status: number, code: string][] = [
  [
    13,
    'metadata of more than 10 kB',
    { metadata: Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`k${i}`, 'x'.repeat(1000)])) },
    422,
    'validation-failed',
  ],
  [14, 'NUL in the subject', { subject: 'a\0b' }, 422, 'validation-failed'],
  [14, 'NUL in a tag', { tags: ['a\0b'] }, 422, 'validation-failed'],
  [14, 'NUL in metadata', { metadata: { a: '\0' } }, 422, 'validation-failed'],
  [14, 'NUL in a file name', file({ filename: 'a\0.txt' }), 422, 'validation-failed'],
  [15, 'half a surrogate pair in metadata', { metadata: { a: '\ud800' } }, 422, 'validation-failed'],
  [
    33,
    'more recipients than a message may have',
    { to: Array.from({ length: 1_001 }, (_, i) => `u${i}@example.net`) },
    422,
    'validation-failed',
  ],
  [34, 'no @', to('user.example.net'), 422, 'validation-failed'],
  [34, 'two @', to('a@b@example.net'), 422, 'validation-failed'],
  [34, 'a local part of 65', to(`${'a'.repeat(65)}@example.net`), 422, 'validation-failed'],
  [
    34,
    'an address of 255',
    to(`a@${'b'.repeat(60)}.${'b'.repeat(60)}.${'b'.repeat(60)}.${'b'.repeat(62)}.example`),
    422,
    'validation-failed',
  ],
  [34, 'nothing but dots', to('..@example.net'), 422, 'validation-failed'],
  [35, 'a bracket in quotes', to('"a>,<b"@example.net'), 422, 'validation-failed'],
  [35, 'a quote that does not close', to('"a\\"@example.net'), 422, 'validation-failed'],
  [37, 'a line break in quotes', to('"a\r\n"@example.net'), 422, 'validation-failed'],
  [34, 'a space', to('a b@example.net'), 422, 'validation-failed'],
  [34, 'an IP literal', to('a@[127.0.0.1]'), 422, 'validation-failed'],
  [34, 'an IPv6 literal', to('a@[IPv6:::1]'), 422, 'validation-failed'],
  [34, 'numbers for a domain', to('a@127.0.0.1'), 422, 'validation-failed'],
  [
    37,
    'a line feed in a name',
    { to: [{ email: 'a@example.net', name: 'a\nBcc: e@e.example' }] },
    422,
    'validation-failed',
  ],
  [
    37,
    'a line break in reply_to',
    { reply_to: ['a@example.net\r\nBcc: e@e.example'] },
    422,
    'validation-failed',
  ],
  [37, 'a line break in from', { from: 'a@example.net\r\nBcc: e@e.example' }, 422, 'validation-failed'],
  [37, 'a line break in the subject', { subject: 'a\r\nBcc: e@e.example' }, 422, 'validation-failed'],
  [37, 'two addresses in one', to('a@example.net,b@example.net'), 422, 'validation-failed'],
  [
    39,
    'a prepared value for a header',
    { headers: { 'X-A': { prepared: true, value: 'a\r\nBcc: e@e.example' } } },
    422,
    'validation-failed',
  ],
  [39, 'a bare CR in a header', headers('X-A', 'a\rBcc: e@e.example'), 422, 'validation-failed'],
  [39, 'NUL in a header', headers('X-A', 'a\0'), 422, 'validation-failed'],
  [40, 'a header name with CR LF', headers('X-A\r\nBcc'), 422, 'validation-failed'],
  [40, 'a header name with a colon', headers('X-A:Bcc'), 422, 'validation-failed'],
  [40, 'a header name with a space', headers('X A'), 422, 'validation-failed'],
  [40, 'a header name outside ASCII', headers('X-\u00e9'), 422, 'validation-failed'],
  [40, 'an empty header name', headers(''), 422, 'validation-failed'],
  [40, 'a header name of 77', headers('X'.repeat(77)), 422, 'validation-failed'],
  ...[
    'From',
    'Sender',
    'To',
    'Cc',
    'bCC',
    'Return-Path',
    'DKIM-Signature',
    'Received',
    'Content-Type',
    'Content-Transfer-Encoding',
    'MIME-Version',
    'ARC-Seal',
    'X-SES-CONFIGURATION-SET',
    'X-SMTPAPI',
    'Resend-Idempotency-Key',
    'X-LG-Id',
  ].map((name): (typeof sends)[number] => [
    41,
    `${name} as a header`,
    headers(name),
    422,
    'header-not-allowed',
  ]),
  [42, '51 headers', { headers: many(51) }, 422, 'validation-failed'],
  [
    42,
    'headers of more than 16 kB',
    { headers: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`X-A-${i}`, 'x'.repeat(900)])) },
    422,
    'validation-failed',
  ],
  [46, 'a local part outside ASCII', to('us\u00e9r@example.net'), 422, 'utf8-not-supported'],
  [48, 'no body at all', { text: undefined }, 422, 'validation-failed'],
  [
    50,
    'an attachment by URL',
    { attachments: [{ filename: 'a', href: 'http://169.254.169.254' }] },
    422,
    'validation-failed',
  ],
  [50, 'a file of the server for html', { html: { path: '/etc/passwd' } }, 422, 'validation-failed'],
  [51, 'an empty attachment', file({ content: '' }), 422, 'attachment-rejected'],
  [51, 'base64 cut short', file({ content: 'abcde' }), 422, 'attachment-rejected'],
  [51, 'a data: URI', file({ content: `data:text/plain;base64,${base64}` }), 422, 'attachment-rejected'],
  [52, 'a file name that climbs', file({ filename: '../../x' }), 422, 'attachment-rejected'],
  [52, 'a file name with a line break', file({ filename: 'a\r\nX: y' }), 422, 'attachment-rejected'],
  [52, 'a file name of 300', file({ filename: 'a'.repeat(300) }), 422, 'attachment-rejected'],
  [52, 'a program', file({ filename: 'a.exe' }), 422, 'attachment-rejected'],
  [52, 'a program behind another ending', file({ filename: 'a.pdf.js' }), 422, 'attachment-rejected'],
  [
    52,
    'a file name that is read backwards',
    file({ filename: 'a\u202efdp.exe' }),
    422,
    'attachment-rejected',
  ],
  [
    52,
    'a content type with a line break',
    file({ content_type: 'text/plain\r\nX: y' }),
    422,
    'attachment-rejected',
  ],
  [
    53,
    '51 attachments',
    { attachments: Array.from({ length: 51 }, (_, i) => ({ filename: `${i}.txt`, content: base64 })) },
    422,
    'validation-failed',
  ],
  [
    61,
    'a connection that never was',
    { connection: toPublicId('con', newId()) },
    422,
    'connection-not-found',
  ],
]

const smtp = { provider: 'smtp', name: 'Relay', settings: { host: 'mx.example.net', port: 587 } }
const ses = { provider: 'ses', name: 'SES', credentials: { access_key_id: 'AKIAX', secret_access_key: 'x' } }
const internal = [
  [66, 'unix:/var/run/x'],
  [66, 'mx.example.net\r\nX: y'],
  [66, 'a b'],
  [66, ''],
  [97, '0177.0.0.1'],
  [97, '\u2460\u2461\u2466.0.0.1'],
  [97, '127\u30020\u30020\u30021'],
  [98, '172.16.0.1'],
  [98, '192.168.0.1'],
  [98, '100.100.100.200'],
  [98, '192.0.0.192'],
  [98, '198.18.0.1'],
  [98, '0.0.0.0'],
  [98, '224.0.0.1'],
  [98, '240.0.0.1'],
  [98, '255.255.255.255'],
  [99, '[::]'],
  [99, '[::7f00:1]'],
  [99, '[64:ff9b::7f00:1]'],
  [99, '[64:ff9b:1::1]'],
  [99, '[2002:7f00:1::]'],
  [99, '[2001::1]'],
  [99, '[fc00::1]'],
  [99, '[fe80::1]'],
  [99, '[fec0::1]'],
  [99, '[ff02::1]'],
  [99, '[3fff::1]'],
  [99, '[5f00::1]'],
  [99, '[100::1]'],
] as const
const urls = [
  [96, 'http://api.example.net'],
  [96, 'ftp://api.example.net'],
  [96, 'file:///etc/passwd'],
  [96, 'gopher://api.example.net'],
  [96, 'https://user:pass@api.example.net'],
  [96, 'https://api.example.net/#x'],
  [96, 'https://api.example.net:25'],
  [96, 'https://api.example.net:6379'],
  [96, 'https://'],
  [96, `https://api.example.net/${'x'.repeat(3_000)}`],
  [97, 'https://2130706433'],
  [97, 'https://0x7f.1'],
  [98, 'https://169.254.169.254/latest'],
  [99, 'https://[::ffff:7f00:1]'],
] as const

describe('hostile fields', () => {
  it.each(sends)('row %i: %s is refused as a problem', async (_row, _what, change, status, code) => {
    const answer = await api.call('POST', '/v1/send', { body: { ...message, ...change } })
    expect({ status: answer.status, code: answer.json.code, text: answer.text }).toMatchObject({
      status,
      code,
    })
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
  })

  it.each(internal)('row %i: the host %j is refused when the connection is made', async (_row, host) => {
    const answer = await api.call('POST', '/v1/connections', {
      body: { ...smtp, settings: { host, port: 587 } },
    })
    expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 422 })
  })

  it.each(urls)('row %i: the base URL %s is refused when the connection is made', async (_row, base_url) => {
    const settings = { region: 'eu-west-1', base_url }
    const answer = await api.call('POST', '/v1/connections', { body: { ...ses, settings } })
    expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 422 })
  })

  it('row 29: an idempotency key that is used again with another body is refused', async () => {
    const headers = { 'idempotency-key': 'row-29' }
    const tenant = await api.addTenant()
    const ask = (subject: string) =>
      api.call('POST', '/v1/send', { body: { ...message, subject }, headers, key: tenant.liveKey })
    expect((await ask('a')).status).toBe(202)
    expect(await ask('b')).toMatchObject({ status: 422, json: { code: 'idempotency-key-reused' } })
  })

  it('row 31: the same idempotency key of another tenant is independent', async () => {
    const headers = { 'idempotency-key': 'row-31' }
    const [a, b] = [await api.addTenant(), await api.addTenant()]
    const ask = (key: string) => api.call('POST', '/v1/send', { body: message, headers, key })
    const [first, second] = [await ask(a.liveKey), await ask(b.liveKey)]
    expect([first.status, second.status]).toEqual([202, 202])
    expect(first.json.id).not.toBe(second.json.id)
  })

  it('row 59: a request larger than the remaining quota uses none of it, and the answer says when to retry', async () => {
    const tenant = await api.addTenant({ dailyLimit: 2 })
    const ask = (count: number) =>
      api.call('POST', '/v1/send', {
        body: { ...message, to: Array.from({ length: count }, (_, i) => `u${i}@example.net`) },
        key: tenant.liveKey,
      })
    const refused = await ask(3)
    expect(refused).toMatchObject({ status: 429, json: { code: 'quota-exceeded' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await ask(2)).status).toBe(202)
    expect((await ask(1)).status).toBe(429)
  })

  it('row 62: a cursor of another tenant, or of another list, is refused', async () => {
    const [a, b] = [await api.addTenant(), await api.addTenant()]
    for (let i = 0; i < 2; i++) await api.call('POST', '/v1/send', { body: message, key: a.liveKey })
    const page = await api.call('GET', '/v1/messages?limit=1', { key: a.liveKey })
    const cursor = String(page.json.next_cursor)
    expect((await api.call('GET', `/v1/messages?limit=1&cursor=${cursor}`, { key: a.liveKey })).status).toBe(
      200,
    )
    const bad = { status: 400, json: { code: 'cursor-invalid' } }
    expect(await api.call('GET', `/v1/messages?cursor=${cursor}`, { key: b.liveKey })).toMatchObject(bad)
    expect(
      await api.call('GET', `/v1/messages?cursor=${cursor}&to=a@b.example`, { key: a.liveKey }),
    ).toMatchObject(bad)
    expect(await api.call('GET', `/v1/messages?cursor=${cursor}`, { key: a.testKey })).toMatchObject(bad)
  })

  it('only accepted messages are stored', async () => {
    const { rows } = await api.db.pool.query({
      text: 'select (select count(*) from message where tenant_id = $1) as messages, (select count(*) from connection) as connections',
      values: [
        (
          await api.db.pool.query({
            text: 'select tenant_id from api_key where display = $1',
            values: [api.tenant.liveKey.slice(0, 12)],
          })
        ).rows[0].tenant_id,
      ],
    })
    expect(rows[0]).toEqual({ messages: 0, connections: 0 })
  })
})
