import { hash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApi, type TestApi } from '../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const MB = 1024 * 1024
const mail = (fields: object = {}) => ({
  from: 'app@acme.example',
  to: ['user@example.net'],
  subject: 'Large',
  text: 'Hi',
  ...fields,
})
const content = Buffer.alloc(3 * MB, 'Lettergate ')
const withFile = mail({ attachments: [{ filename: 'a.bin', content: content.toString('base64') }] })
const send = (body: unknown, key: string, path = '/v1/send') =>
  api.call('POST', path, { body, headers: { 'idempotency-key': key } })

test('a large message is stored completely, and its repeat is recognised by its value', async () => {
  const first = await send(withFile, 'large')
  expect(first.status).toBe(202)
  const { rows } = await api.db.pool.query<{ content: Buffer }>({
    text: 'select content from attachment_chunk order by chunk',
  })
  const stored = Buffer.concat(rows.map((row) => row.content))
  expect(hash('sha256', stored)).toBe(hash('sha256', content))
  const again = await send(JSON.stringify(withFile, null, 1), 'large')
  expect([again.status, again.json]).toEqual([202, first.json])
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect((await send({ ...withFile, subject: 'Another' }, 'large')).json.code).toBe('idempotency-key-reused')
})

test('an invalid large message is refused like a small one', async () => {
  const wrong = { to: ['nobody'], cc: ['nobody else'] }
  const small = await send(mail(wrong), 'wrong')
  const large = await send({ ...withFile, ...wrong }, 'wrong')
  expect(large.json).toEqual({ ...small.json, request_id: large.json.request_id })
  expect(large.status).toBe(422)
})

test('a large batch is stored completely, with each problem in its place', async () => {
  const text = 'ä"\n'.repeat(20_000)
  const messages = Array.from({ length: 60 }, (_, at) =>
    mail(at === 7 ? { to: ['nobody'] } : { subject: `No. ${at}`, text: `${at} ${text}` }),
  )
  const first = await send({ messages }, 'batch', '/v1/send/batch')
  expect(first.status).toBe(202)
  const { results }: { results: { id?: string; problem?: object }[] } = JSON.parse(first.text)
  expect(results.map(({ id }) => id !== undefined)).toEqual(messages.map((_, at) => at !== 7))
  const { rows } = await api.db.pool.query<{ subject: string; text: string }>({
    text: `select subject, document->>'text' as text from message
           join message_content on message_id = id where subject like 'No. %'`,
  })
  expect(new Set(rows.map((row) => `${row.subject} ${hash('md5', row.text)}`))).toEqual(
    new Set(messages.flatMap((it, at) => (at === 7 ? [] : `${it.subject} ${hash('md5', it.text)}`))),
  )
  expect((await send({ messages }, 'batch', '/v1/send/batch')).json).toEqual(first.json)
})

test('S6: a tenant whose refused bodies exceed 10 MB a second is not read any more; other tenants are', async () => {
  const { liveKey: key } = await api.addTenant()
  const body = `{"a":1,"a":2}${' '.repeat(45 * MB)}`
  const refuse = () => api.call('POST', '/v1/send', { body, key })
  let answer = await refuse()
  expect([answer.status, answer.json.code]).toEqual([400, 'malformed-json'])
  // Two concurrent bodies exceed the burst of 64 MB on a machine of any speed.
  for (let round = 0; round < 5 && answer.status !== 429; round++) {
    await Promise.all([refuse(), refuse()])
    answer = await api.call('POST', '/v1/send', { body: mail(), key })
  }
  expect([answer.status, answer.json.code]).toEqual([429, 'rate-limited'])
  const seconds = Number(answer.headers.get('retry-after'))
  expect(seconds).toBeGreaterThanOrEqual(1)
  expect(seconds).toBeLessThanOrEqual(10)
  expect((await api.call('POST', '/v1/send', { body: mail() })).status).toBe(202)
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  expect((await api.call('POST', '/v1/send', { body: mail(), key })).status).toBe(202)
})
