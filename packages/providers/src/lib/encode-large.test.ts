import { expect, test } from 'vitest'
import { buildOutboundMessage } from '../../test/io.ts'
import { EncodeFailed, encodeLarge, encodeWeight, LARGE_BYTES_MIN } from './encode-large.ts'
import { Base64, hashBody, Latin1, toBase64Body, toJsonBody } from './json-body.ts'
import { buildMime, buildMimeHere } from './mime.ts'

const content = Buffer.from(Array.from({ length: 200_000 }, (_, at) => `${at};`).join(''))
const shared = Buffer.from(new SharedArrayBuffer(content.length))
content.copy(shared)
const attachments = [content, shared].map((bytes, at) => ({
  filename: `Größe ${at}.bin`,
  contentType: 'application/octet-stream',
  disposition: 'attachment' as const,
  content: bytes,
}))

test.each([
  ['files', buildOutboundMessage({ attachments })],
  ['a long text', buildOutboundMessage({ text: 'A line of some text. ä\n'.repeat(10_000) })],
  ['a long plain text', buildOutboundMessage({ text: 'A line of some text.\n'.repeat(10_000) })],
])('a mail with %s is the same byte for byte from every thread', async (_name, message) => {
  expect(encodeWeight(message)).toBeGreaterThan(LARGE_BYTES_MIN)
  expect((await buildMime(message)).equals(buildMimeHere(message))).toBe(true)
})

test('JSON is the same from every thread', async () => {
  const body = {
    text: 'ä "quoted" \u2028 \ud83d\ude00',
    metadata: { base64Of: 'a word' },
    files: [{ content: new Base64(shared) }, { content: new Base64(content.subarray(1, 100)) }],
    raw: new Latin1(Buffer.from('X: y\r\n'), content),
    left: undefined,
  }
  const large = await toJsonBody(body, LARGE_BYTES_MIN)
  expect(String(large)).toBe(await toJsonBody(body, 0))
  expect(JSON.parse(String(large))).toMatchObject({
    files: [{ content: content.toString('base64') }, {}],
    raw: `X: y\r\n${content.toString('latin1')}`,
  })
  expect(await hashBody(large)).toBe(await hashBody(String(large)))
})

test('a body of base64 is the same from every thread', async () => {
  const bytes = Buffer.concat([content, content])
  expect(String(await toBase64Body(bytes))).toBe(bytes.toString('base64'))
})

test('a mail that cannot be encoded fails alone: mails before and after it are encoded', async () => {
  const circle: { self?: object } = {}
  circle.self = circle
  const results = await Promise.allSettled(
    [{ a: 1 }, circle, { b: 2 }].map((value) => encodeLarge({ kind: 'json', value })),
  )
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(results[1]).toMatchObject({ reason: expect.any(EncodeFailed) })
})
