import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../test/api.ts'
import { exchangeRaw } from '../test/exchange-raw.ts'

let api: TestApi
let key: string

beforeAll(async () => {
  api = await startTestApi()
  key = api.tenant.liveKey
})
afterAll(() => api.close())

const message = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }
const good = JSON.stringify(message)
const with_ = (change: Record<string, unknown>): string => JSON.stringify({ ...message, ...change })
/** A body in which one value is written unchanged, without JSON.stringify. */
const raw = (field: string, value: string): string => `${good.slice(0, -1)},"${field}":${value}}`
const text = (value: string): string => good.replace('"Hi"', `"${value}"`)

/** The bytes of a request; `%KEY%` becomes a good key when they are sent. */
function request(first: string, fields: string[], body = ''): string {
  return `${first} HTTP/1.1\r\nhost: api\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n${body}`
}
const AUTH = 'authorization: Bearer %KEY%'
const JSON_TYPE = 'content-type: application/json'
const length = (body: string) => `content-length: ${Buffer.byteLength(body)}`
const send = (body: string, ...fields: string[]) =>
  request('POST /v1/send', [AUTH, ...(fields.length > 0 ? fields : [JSON_TYPE]), length(body)], body)
const get = (path: string, ...fields: string[]) => request(`GET ${path}`, fields.length > 0 ? fields : [AUTH])
const chunked = (size: number, times: number) => [
  request('POST /v1/send', [AUTH, JSON_TYPE, 'transfer-encoding: chunked']),
  ...Array.from({ length: times }, () => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`),
]

type Case = [
  row: number,
  what: string,
  sent: string | Buffer | (string | Buffer)[],
  status: number,
  code: string,
]

/** Row numbers are those of the bad-input catalogue; a new case is one more line. */
const cases: Case[] = [
  [1, 'no Authorization', send(good, JSON_TYPE).replace(`${AUTH}\r\n`, ''), 401, 'unauthorized'],
  [1, 'another scheme', send(good).replace('Bearer', 'Basic'), 401, 'unauthorized'],
  [1, 'no key after the scheme', send(good).replace('%KEY%', ''), 401, 'unauthorized'],
  [1, 'two Authorization fields', send(good, AUTH, JSON_TYPE), 401, 'unauthorized'],
  [1, 'two keys in one field', send(good).replace('%KEY%', '%KEY%, Bearer %KEY%'), 401, 'unauthorized'],
  [2, 'a key of the wrong shape', send(good).replace('%KEY%', 'lg_live_x'), 401, 'unauthorized'],
  [2, 'a key of 8 kB', send(good).replace('%KEY%', 'x'.repeat(8_000)), 401, 'unauthorized'],
  [6, 'an empty body', send(''), 400, 'malformed-json'],
  [6, 'cut JSON', send(good.slice(0, -1)), 400, 'malformed-json'],
  [6, 'a trailing comma', send(good.replace('}', ',}')), 400, 'malformed-json'],
  [6, 'NaN', send(raw('x', 'NaN')), 400, 'malformed-json'],
  [6, 'bytes that are not UTF-8', send('{"a":"?"}').replace('?', '\xff'), 400, 'malformed-json'],
  [7, 'an array', send('[]'), 422, 'validation-failed'],
  [7, 'null', send('null'), 422, 'validation-failed'],
  [7, 'a string', send('"x"'), 422, 'validation-failed'],
  [8, '100,000 open brackets', send('['.repeat(100_000)), 400, 'malformed-json'],
  [
    8,
    'deep nesting',
    send(raw('metadata', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`)),
    400,
    'malformed-json',
  ],
  [9, 'an unknown field', send(with_({ colour: 'red' })), 422, 'validation-failed'],
  [10, 'a number for an address', send(with_({ to: 5 })), 422, 'validation-failed'],
  [10, 'a list for a string', send(with_({ subject: ['a'] })), 422, 'validation-failed'],
  [10, 'a string for an object', send(with_({ metadata: '5' })), 422, 'validation-failed'],
  [11, '__proto__', send(raw('__proto__', '{"x":1}')), 400, 'malformed-json'],
  [11, '__proto__ inside metadata', send(raw('metadata', '{"__proto__":"x"}')), 400, 'malformed-json'],
  [11, '__proto__, escaped', send(raw('\\u005f_proto__', '1')), 400, 'malformed-json'],
  [11, 'constructor.prototype', send(raw('constructor', '{"prototype":{}}')), 400, 'malformed-json'],
  [12, 'a key given twice', send(raw('subject', '"again"')), 400, 'malformed-json'],
  [
    13,
    '60,000 keys',
    send(with_({ metadata: Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`k${i}`, 'v'])) })),
    422,
    'validation-failed',
  ],
  [13, 'a value of 2 kB', send(with_({ metadata: { a: 'x'.repeat(2_048) } })), 422, 'validation-failed'],
  [
    13,
    '11 kB in all',
    send(
      with_({
        metadata: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`k${i}`, 'x'.repeat(1_000)])),
      }),
    ),
    422,
    'validation-failed',
  ],
  [14, 'NUL in the text', send(text('a\\u0000b')), 422, 'validation-failed'],
  [14, 'NUL in the name of a key', send(raw('metadata', '{"a\\u0000":"b"}')), 422, 'validation-failed'],
  [15, 'half a surrogate pair', send(text('\\ud800')), 422, 'validation-failed'],
  [15, 'the other half', send(raw('html', '"\\uDC00"')), 422, 'validation-failed'],
  [18, 'no type', send(good, 'x-a: b'), 415, 'unsupported-media-type'],
  [18, 'neither type nor body', request('POST /v1/send', [AUTH]), 415, 'unsupported-media-type'],
  [18, 'XML', send(good, 'content-type: text/xml'), 415, 'unsupported-media-type'],
  [
    18,
    'a form',
    send(good, 'content-type: application/x-www-form-urlencoded'),
    415,
    'unsupported-media-type',
  ],
  [
    18,
    'a type with a tab and more',
    send(good, 'content-type: application/json\ta'),
    415,
    'unsupported-media-type',
  ],
  [
    18,
    'a type that only begins like JSON',
    send(good, 'content-type: application/jsonp'),
    415,
    'unsupported-media-type',
  ],
  [18, 'two types', send(good, 'content-type: application/json, text/xml'), 415, 'unsupported-media-type'],
  [
    19,
    'another charset',
    send(good, 'content-type: application/json; charset=utf-16'),
    415,
    'unsupported-media-type',
  ],
  [19, 'gzip', send(good, JSON_TYPE, 'content-encoding: gzip'), 415, 'unsupported-media-type'],
  [19, 'brotli', send(good, JSON_TYPE, 'content-encoding: br'), 415, 'unsupported-media-type'],
  [19, 'a coding of its own', send(good, JSON_TYPE, 'content-encoding: x'), 415, 'unsupported-media-type'],
  [
    21,
    'a body too long by its own word',
    request('POST /v1/send', [AUTH, JSON_TYPE, 'content-length: 99999999999']),
    413,
    'payload-too-large',
  ],
  [21, 'a body too long in chunks', chunked(8 * 1024 * 1024, 8), 413, 'payload-too-large'],
  [
    22,
    'a length that is not a number',
    request('POST /v1/send', [AUTH, JSON_TYPE, 'content-length: x'], good),
    400,
    'malformed-request',
  ],
  [
    22,
    'two lengths',
    request('POST /v1/send', [AUTH, JSON_TYPE, 'content-length: 1', 'content-length: 2'], good),
    400,
    'malformed-request',
  ],
  [
    22,
    'a length and chunks',
    request(
      'POST /v1/send',
      [AUTH, JSON_TYPE, 'content-length: 5', 'transfer-encoding: chunked'],
      '0\r\n\r\n',
    ),
    400,
    'malformed-request',
  ],
  [22, 'not HTTP', 'EHLO example.net\r\n\r\n', 400, 'malformed-request'],
  [22, 'TLS to a plain port', Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]), 400, 'malformed-request'],
  [23, 'fields of 20 kB', get('/healthz', `x-a: ${'x'.repeat(20_000)}`), 431, 'headers-too-large'],
  [23, 'an address of 9 kB', get(`/v1/messages?tag=${'x'.repeat(9_000)}`), 414, 'uri-too-long'],
  [23, 'an address of 9 kB that leads nowhere', get(`/${'x'.repeat(9_000)}`), 414, 'uri-too-long'],
  [23, 'an id of 2 kB', get(`/v1/messages/${'x'.repeat(2_000)}`), 404, 'not-found'],
  [24, 'a path that cannot be decoded', get('/v1/messages/%ff%'), 404, 'not-found'],
  [24, 'a path that climbs', get('/problems/..%2f..%2fpackage.json'), 404, 'not-found'],
  [25, 'TRACE', request('TRACE /v1/send', []), 405, 'method-not-allowed'],
  [25, 'an unknown verb', request('BREW /v1/send', []), 405, 'method-not-allowed'],
  [25, 'a wrong verb', request('DELETE /v1/messages', [AUTH]), 405, 'method-not-allowed'],
  [25, 'a wrong verb under an id', request('PUT /v1/messages/msg_x', [AUTH]), 405, 'method-not-allowed'],
  [25, 'CONNECT', request('CONNECT example.net:25', []), 405, 'method-not-allowed'],
  [28, 'an empty Idempotency-Key', send(good, JSON_TYPE, 'idempotency-key:'), 400, 'idempotency-key-invalid'],
  [
    28,
    'an Idempotency-Key of 256',
    send(good, JSON_TYPE, `idempotency-key: ${'k'.repeat(256)}`),
    400,
    'idempotency-key-invalid',
  ],
  [
    28,
    'an Idempotency-Key outside ASCII',
    send(good, JSON_TYPE, 'idempotency-key: caf\xe9'),
    400,
    'idempotency-key-invalid',
  ],
  [
    28,
    'an Idempotency-Key with a tab',
    send(good, JSON_TYPE, 'idempotency-key: a\tb'),
    400,
    'idempotency-key-invalid',
  ],
  [
    28,
    'two Idempotency-Keys',
    send(good, JSON_TYPE, 'idempotency-key: a', 'idempotency-key: b'),
    400,
    'idempotency-key-invalid',
  ],
  [33, 'no recipient', send(with_({ to: [] })), 422, 'validation-failed'],
  [34, 'an address of no domain', send(with_({ to: ['user@localhost'] })), 422, 'validation-failed'],
  [
    35,
    'a quoted local part',
    send(with_({ to: ['"x@evil.example y"@b.example'] })),
    422,
    'validation-failed',
  ],
  [
    37,
    'a line break in an address',
    send(with_({ to: ['b@b.example\r\nBcc: e@e.example'] })),
    422,
    'validation-failed',
  ],
  [
    39,
    'a line break in a header',
    send(with_({ headers: { 'X-A': 'a\r\nBcc: e@e.example' } })),
    422,
    'validation-failed',
  ],
  [40, '__proto__ as a header', send(raw('headers', '{"__proto__":"x"}')), 422, 'validation-failed'],
  [41, 'Bcc as a header', send(with_({ headers: { Bcc: 'e@e.example' } })), 422, 'header-not-allowed'],
  [48, 'neither text nor html', send(with_({ text: '' })), 422, 'validation-failed'],
  [
    50,
    'a file of the server',
    send(with_({ attachments: [{ filename: 'a', path: '/etc/passwd' }] })),
    422,
    'validation-failed',
  ],
  [
    51,
    'base64 that is none',
    send(with_({ attachments: [{ filename: 'a.txt', content: '%%%' }] })),
    422,
    'attachment-rejected',
  ],
  [62, 'a forged cursor', get('/v1/messages?cursor=AAAA'), 400, 'cursor-invalid'],
  [62, 'limit -1', get('/v1/messages?limit=-1'), 422, 'validation-failed'],
  [62, 'limit 1e9', get('/v1/messages?limit=1e9'), 422, 'validation-failed'],
  [62, 'an unknown column to sort by', get('/v1/messages?sort=password'), 422, 'validation-failed'],
  [
    62,
    'a wait of an hour',
    get('/v1/messages/msg_01m7wa5yjwe1qr5m7w1gzh99cc?wait=3600'),
    422,
    'validation-failed',
  ],
]

describe('hostile input', () => {
  it.each(cases)('row %i: %s is refused as a problem', async (_row, _what, sent, status, code) => {
    const pieces = [sent]
      .flat()
      .map((piece) =>
        typeof piece === 'string' ? Buffer.from(piece.replaceAll('%KEY%', key), 'latin1') : piece,
      )
    const answer = await exchangeRaw(api.url, pieces)
    expect({ status: answer.status, code: JSON.parse(answer.body).code }).toEqual({ status, code })
    expect(answer.fields.get('content-type')).toBe('application/problem+json')
    expect(JSON.parse(answer.body)).toMatchObject({ type: `/problems/${code}`, status })
  })

  it('no refused message is stored or counted, and the api continues to serve', async () => {
    const { rows } = await api.db.pool.query({
      text: 'select (select count(*) from message) + (select count(*) from usage where accepted > 0) as n',
    })
    expect(rows[0]).toEqual({ n: 0 })
    expect((await api.call('POST', '/v1/send', { body: message })).status).toBe(202)
  })
})
