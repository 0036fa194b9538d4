import { createHash, hash } from 'node:crypto'
import { parseSendBatch, parseSendRequest } from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import { expect, test } from 'vitest'
import { canonicalHash } from './canonical-hash.ts'
import { parseJson } from './parse-json.ts'
import { type LargeTask, readLarge } from './read-large.ts'

const parseWholeBatch = (...given: Parameters<typeof parseSendBatch>) => [...parseSendBatch(...given)]

const now = Date.parse('2026-07-01T12:00:00Z')
const file = (bytes: number) => ({
  filename: 'große.bin',
  content: Buffer.alloc(bytes, 'Lettergate ').toString('base64'),
})
const mail = (fields: object = {}) => ({
  from: 'App <app@acme.example>',
  to: ['user@example.net'],
  subject: 'Größe',
  text: 'Hi',
  ...fields,
})
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value))

/** As they come from a socket. */
function chunksOf(bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 60_000) chunks.push(Buffer.from(bytes.subarray(at, at + 60_000)))
  return chunks
}
const read = (bytes: Buffer, kind: LargeTask['kind'], isKeyed = false) =>
  readLarge(chunksOf(bytes), { kind, now, isKeyed })

/** The text of a problem. */
const said = (entry: unknown) => {
  if (!(entry instanceof Problem)) return entry
  const { code, detail, errors, headers } = entry
  return { code, detail, errors, headers }
}
async function refusal(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return said(error)
  }
  throw new Error('nothing was refused')
}

test('a large message is the same from every thread that reads it', async () => {
  const body = mail({
    send_at: '2026-07-02T12:00:00Z',
    html: '<p>ä</p>\n'.repeat(100_000),
    attachments: [file(3_000_000), file(1), file(2_000)],
  })
  const { entries, hash: none } = await read(bytesOf(body), 'send')
  expect(entries).toEqual([parseSendRequest(body, { now: new Date(now) })])
  expect(none).toBeNull()
})

test('the hashes of a body with an idempotency key are the same from every thread', async () => {
  const bytes = bytesOf(mail({ attachments: [file(2_000_000)] }))
  expect((await read(bytes, 'send', true)).hash).toEqual({
    ofValue: canonicalHash(parseJson(bytes)),
    ofBytes: createHash('sha256').update(bytes).digest(),
  })
  expect(hash('sha256', bytes, 'buffer')).toEqual(createHash('sha256').update(bytes).digest())
})

test('a large batch keeps its order, with each problem in its place', async () => {
  const messages = Array.from({ length: 90 }, (_, at) =>
    mail(at % 7 === 3 ? { to: ['nobody'] } : { subject: `No. ${at}`, text: 'x'.repeat(40_000) }),
  )
  const { entries } = await read(bytesOf({ messages }), 'batch')
  const here = parseWholeBatch({ messages }, { now: new Date(now) })
  expect(entries.map(said)).toEqual(here.map(said))
})

test('a refused message keeps its hash, because it may repeat an accepted one', async () => {
  const bytes = bytesOf(mail({ to: ['nobody'], attachments: [file(2_000_000)] }))
  const { entries, hash: own } = await read(bytes, 'send', true)
  expect(entries.map(said)).toMatchObject([{ code: 'validation-failed' }])
  expect(own?.ofValue).toEqual(canonicalHash(parseJson(bytes)))
})

test.each([
  ['text that is no JSON', Buffer.from('['.padEnd(2_000_000, ' '))],
  ['bytes that are not UTF-8', Buffer.alloc(2_000_000, 0xff)],
  ['a duplicate key', Buffer.from(`{"a":"${'x'.repeat(2_000_000)}","b":1,"b":2}`)],
])('%s is refused like a small body, and the next body is read', async (_name, bytes) => {
  expect(await refusal(() => read(bytes, 'send'))).toEqual(await refusal(() => parseJson(bytes)))
  expect((await read(bytesOf(mail()), 'send')).entries).toHaveLength(1)
})

test('a batch whose envelope is wrong is refused as a whole', async () => {
  const body = { messages: [], other: 'x'.repeat(2_000_000) }
  expect(await refusal(() => read(bytesOf(body), 'batch'))).toEqual(
    await refusal(() => parseWholeBatch(body, { now: new Date(now) })),
  )
})

test('bodies are read one after another, each with its own messages', async () => {
  const subjects = Array.from({ length: 5 }, (_, at) => `No. ${at}`)
  const all = await Promise.all(subjects.map((subject) => read(bytesOf(mail({ subject })), 'send')))
  expect(all.map(({ entries: [entry] }) => (entry instanceof Problem ? entry : entry?.subject))).toEqual(
    subjects,
  )
})
