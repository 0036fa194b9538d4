import { expect, test } from 'vitest'
import { slowMs } from '../../test/cpu.ts'
import { loadExamples } from '../../test/examples.ts'
import { answered } from '../../test/http-peer.ts'
import { toOutcome as postmark } from '../postmark/outcome.ts'
import { namedIn, parseAnswer, toLine } from './answer.ts'
import { answerBytesMax } from './http.ts'

const bytes = answerBytesMax
/** No answer may keep the thread from the mail of others for longer. */
const now = new Date('2026-11-20T10:00:00Z')
const all = Array.from({ length: 50 }, (_, index) => `r${index}@x.example`)
const examples = await loadExamples()

const items = (item: string, byte = bytes) => Array(Math.floor(byte / (item.length + 1))).fill(item)
const list = (item: string) => `[${items(item).join(',')}]`
const texts = ['a', ' ', '@', 'a@', '<', '.', "'", '{', '\\', ' 1', 'a@b.c, '].map((unit) =>
  unit.repeat(bytes / unit.length),
)
const fields = [
  'message',
  'Message',
  'error',
  'name',
  'code',
  'id',
  'MessageID',
  'ErrorCode',
  'error_description',
]
const odd: [string, string][] = [
  ['lists in lists', `{"errors":${'['.repeat(bytes / 2)}${']'.repeat(bytes / 2)}}`],
  ['objects in objects', `${'{"error":'.repeat(bytes / 10)}1${'}'.repeat(bytes / 10)}`],
  [
    'many members',
    `{${items('')
      .map((_, index) => `"k${index}":1`)
      .join(',')
      .slice(0, bytes)}}`,
  ],
  ['many numbers', list('1')],
  ['many errors', `{"errors":${list('{"message":"a@b.c","field":"to","code":1}')}}`],
  ['many reasons', `{"error":{"errors":${list('{"reason":"a"}')}}}`],
  ['many results', list('{"email":"a@b.c","status":"rejected"}')],
  [
    'many refused',
    `{"results":{"id":"1","total_accepted_recipients":1,"total_rejected_recipients":2,"rcpt_to_errors":${list('{"message":"a@b.c"}')}}}`,
  ],
  ...texts.slice(0, 5).map((text): [string, string] => [`only ${JSON.stringify(text.slice(0, 8))}`, text]),
  ...texts.map((text): [string, string] => [
    `members of ${JSON.stringify(text.slice(0, 8))}`,
    JSON.stringify(Object.fromEntries(fields.map((field) => [field, text.slice(0, bytes / fields.length)]))),
  ]),
  ...texts.map((text): [string, string] => [
    `an error of ${JSON.stringify(text.slice(0, 8))}`,
    JSON.stringify({ errors: [{ message: text, description: text }], error: { message: text } }),
  ]),
  ...texts.map((Message): [string, string] => [
    `will not deliver ${JSON.stringify(Message.slice(0, 8))}`,
    JSON.stringify({ ErrorCode: 0, MessageID: '1', Message: `will not deliver to ${Message}` }),
  ]),
]

test.each(examples)(
  'S1: no large or odd answer blocks the thread for 50 ms: %s',
  async (_id, { judge, readsBesides = [] }) => {
    const slow: string[] = []
    for (const [name, body] of odd) {
      for (const status of [200, 400]) {
        const response = answered(status, body)
        for (const read of [judge, ...readsBesides]) {
          const ms = await slowMs(() => read(response, now, all))
          if (ms !== null) slow.push(`${name} (${status}): ${ms} ms`)
        }
      }
    }
    expect(slow).toEqual([])
  },
)

test('S1: postmark reports any number of inactive addresses, and does not search further', () => {
  const Message = `You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: ${all.slice(1).join(', ')}.`
  expect(postmark(answered(422, { ErrorCode: 406, Message }), now, all)).toMatchObject({
    refused: all.slice(1).map((address) => ({ address })),
  })
  const late = `${'a'.repeat(200_000)} ${all[0]}`
  expect(namedIn(late, all)).toEqual([])
})

test('addresses are found in quotes, brackets and lists, in any case', () => {
  const addresses = ["o'neil@x.example", 'Ann@x.example', 'b@x.example', 'c@x.example', 'd@x.example']
  const text = "'o'neil@x.example', <ANN@x.example>; [b@x.example] e@x.example (c@x.example). 'D@X.example.'"
  expect(namedIn(text, addresses)).toEqual(addresses)
  expect(namedIn({ message: 'b@x.example' }, addresses)).toEqual([])
})

test('a long plain answer is read, and a wide or deep one counts as no answer', () => {
  const html = '<p>,[{"</p>'.repeat(50_000)
  expect(parseAnswer(Buffer.from(JSON.stringify({ id: '1', html })))).toMatchObject({ id: '1' })
  expect(parseAnswer(Buffer.from(`{"id":"1","a":[${'1,'.repeat(10_001)}1]}`))).toEqual({})
  expect(parseAnswer(Buffer.from(`{"id":"1","a":${'['.repeat(100)}${']'.repeat(100)}}`))).toEqual({})
  expect(toLine(`${' '.repeat(3_000)}late`)).toBe(' ')
})
