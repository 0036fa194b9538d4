import { expect, test } from 'vitest'
import { createRequestReader, taggedId } from './read-requests.ts'

const ID = 'msg_01arz3ndektsv4rrffq69g5fav'
const request = (body: string) =>
  `POST /v2/email/outbound-emails HTTP/1.1\r\nhost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`

function bodiesOf(chunks: readonly string[]): string[] {
  const bodies: string[] = []
  const read = createRequestReader((body) => bodies.push(body.toString()))
  for (const chunk of chunks) read(Buffer.from(chunk))
  return bodies
}

test('requests are found for every split of the bytes', () => {
  const bodies = ['first', '', 'x'.repeat(3_000), 'last\r\n\r\n']
  const wire = bodies.map(request).join('')
  for (const size of [1, 7, 100, 3_000, wire.length]) {
    const chunks = Array.from({ length: Math.ceil(wire.length / size) }, (_, at) =>
      wire.slice(at * size, (at + 1) * size),
    )
    expect(bodiesOf(chunks)).toEqual(bodies)
  }
})

test('each body comes with the head of its own request', () => {
  const heads: string[] = []
  const read = createRequestReader((_body, head) => heads.push(head))
  read(Buffer.from(request('first') + request('second')))
  expect(heads).toEqual(
    [5, 6].map((length) => `POST /v2/email/outbound-emails HTTP/1.1\r\nhost: a\r\nContent-Length: ${length}`),
  )
})

test('an incomplete request is not counted', () => {
  expect(bodiesOf([request('whole'), request('cut off').slice(0, -1)])).toEqual(['whole'])
})

test('the message id comes from our tag, in either order, and from no other tag', () => {
  const body = (tag: string) => Buffer.from(`{"Content":{"Raw":{"Data":"AAAA"}},"EmailTags":[${tag}]}`)
  expect(taggedId(body(`{"Name":"lg_id","Value":"${ID}"}`))).toBe(ID)
  expect(taggedId(body(`{"Value":"${ID}","Name":"lg_id"},{"Name":"lg_tag_1","Value":"a"}`))).toBe(ID)
  expect(taggedId(body(`{"Name":"lg_tag_1","Value":"${ID}"}`))).toBeUndefined()
})
