import { describe, expect, test } from 'vitest'
import { readSend } from './read-send.ts'

const BODY = '{"to":"x"}'
const FIELDS = ['host: a', `content-length: ${BODY.length}`, 'content-type: application/json']

function send(change: { line?: string; fields?: string[]; body?: string; after?: string } = {}): Buffer {
  const { line = 'POST /v1/send HTTP/1.1', fields = FIELDS, body = BODY, after = '' } = change
  return Buffer.from(`${[line, ...fields].join('\r\n')}\r\n\r\n${body}${after}`)
}

describe('a send that is read without Node’s parser', () => {
  test.each<[string, Buffer, object]>([
    ['plain', send(), { path: '/v1/send' }],
    ['a batch', send({ line: 'POST /v1/send/batch HTTP/1.1' }), { path: '/v1/send/batch' }],
    ['with a query', send({ line: 'POST /v1/send?a=b HTTP/1.1' }), { path: '/v1/send' }],
    ['that keeps the connection', send({ fields: [...FIELDS, 'Connection: keep-alive'] }), { isLast: false }],
    ['that ends the connection', send({ fields: [...FIELDS, 'connection: Close'] }), { isLast: true }],
    ['with an id', send({ fields: [...FIELDS, 'X-Request-Id: abc-1'] }), { requestId: 'abc-1' }],
    ['with an empty body', send({ fields: ['host: a', 'content-length: 0'], body: '' }), {}],
    ['with bytes above ASCII', send({ fields: ['host: a', 'content-length: 4'], body: 'ää' }), {}],
  ])('%s', (_, bytes, expected) => {
    expect(readSend(bytes)).toMatchObject({ kind: 'whole', ...expected })
  })

  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['the beginning of its line', send().subarray(0, 7)],
    ['no end of its headers', send().subarray(0, 60)],
    ['no body', send({ body: '' })],
    ['half a body', send({ body: BODY.slice(1) })],
  ])('is not whole yet with %s', (_, bytes) => {
    expect(readSend(bytes)).toEqual({ kind: 'part' })
  })

  test.each<[string, Buffer]>([
    ['another method', send({ line: 'GET /v1/send HTTP/1.1' })],
    ['another path', send({ line: 'POST /v1/sender HTTP/1.1' })],
    ['a path below', send({ line: 'POST /v1/send/../keys HTTP/1.1' })],
    ['HTTP/1.0', send({ line: 'POST /v1/send HTTP/1.0' })],
    ['a space in its target', send({ line: 'POST /v1/send?a b HTTP/1.1' })],
    ['a line that ends in LF alone', Buffer.from(send().toString().replace('\r\nhost', '\nhost'))],
    ['a bare CR', send({ fields: [...FIELDS, 'x: a\rb'] })],
    ['a NUL', send({ fields: [...FIELDS, 'x: a\0b'] })],
    ['a folded line', send({ fields: [...FIELDS, 'x: a', ' b'] })],
    ['no host', send({ fields: FIELDS.slice(1) })],
    ['a line without a colon', send({ fields: [...FIELDS, 'x'] })],
    [
      'a name that begins with a vertical tab',
      send({ fields: [...FIELDS, '\x0btransfer-encoding: chunked'] }),
    ],
    ['a control character', send({ fields: [...FIELDS, 'x: a\x01b'] })],
    ['a wish for the connection of a proxy', send({ fields: [...FIELDS, 'Proxy-Connection: close'] })],
    ['no length', send({ fields: ['host: a'] })],
    ['two lengths', send({ fields: [...FIELDS, 'content-length: 5'] })],
    ['a length that is no number', send({ fields: ['content-length: 0x5'] })],
    ['a length with a sign', send({ fields: ['content-length: +10'] })],
    ['a list of lengths', send({ fields: ['content-length: 10, 10'] })],
    ['a space before the colon', send({ fields: ['content-length : 10'] })],
    ['chunks', send({ fields: [...FIELDS, 'Transfer-Encoding: chunked'] })],
    ['an expectation', send({ fields: [...FIELDS, 'Expect: 100-continue'] })],
    ['an upgrade', send({ fields: [...FIELDS, 'Upgrade: h2c'] })],
    ['another wish for its connection', send({ fields: [...FIELDS, 'Connection: close, te'] })],
    ['the beginning of another', send({ after: 'POST' })],
    ['another behind it', Buffer.concat([send(), send()])],
    ['more to come than is collected', send({ fields: ['host: a', 'content-length: 65536'] })],
    ['a header without an end', Buffer.alloc(8_193, 'POST /v1/send')],
    ['a long header', send({ fields: [...FIELDS, `x: ${'a'.repeat(9_000)}`] })],
  ])('is none with %s', (_, bytes) => {
    expect(readSend(bytes)).toEqual({ kind: 'other' })
  })
})
