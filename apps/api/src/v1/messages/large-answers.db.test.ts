import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  // Room for four mails of 10 MB as they are built, as there is for four of the largest otherwise.
  api = await startTestApi({ answerBytesMax: 100 * 1024 * 1024 })
})
afterAll(() => api.close())

const message = (fields: object = {}) => ({
  from: 'app@acme.example',
  to: ['user@example.net'],
  subject: 'Large',
  text: 'Hello',
  ...fields,
})

async function send(fields: object, key = api.tenant.liveKey): Promise<string> {
  const answer = await api.call('POST', '/v1/send', { key, body: message(fields) })
  expect(answer.status).toBe(202)
  return String(answer.json.id)
}

/** Asks for the mail and reads its head alone. */
function readHead(id: string): Promise<{ status: number; socket: Socket }> {
  const { hostname, port } = new URL(api.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `GET /v1/messages/${id}/raw HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.tenant.liveKey}\r\n\r\n`,
  )
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.once('data', (piece) => {
      socket.pause()
      resolve({ status: Number(piece.toString('latin1').split(' ')[1]), socket })
    })
  })
}

test('a tenant reads two large mails at a time; a third read is asked to wait, other tenants are not', async () => {
  const content = Buffer.alloc(10 * 1024 * 1024, 'Lettergate ').toString('base64')
  const id = await send({ attachments: [{ filename: 'a.bin', content }] })
  const small = await send({})
  const readers = [await readHead(id), await readHead(id)]
  expect(readers.map(({ status }) => status)).toEqual([200, 200])
  const refused = await api.call('GET', `/v1/messages/${id}/raw`)
  expect(refused).toMatchObject({ status: 429, json: { code: 'rate-limited' } })
  expect(refused.headers.get('retry-after')).toBe('2')
  expect((await api.call('GET', `/v1/messages/${small}/raw`)).status).toBe(200)
  const other = await api.addTenant()
  const others = await send({ attachments: [{ filename: 'b.bin', content }] }, other.liveKey)
  const raw = await api.call('GET', `/v1/messages/${others}/raw`, { key: other.liveKey })
  expect(raw.status).toBe(200)
  expect(raw.text.length).toBe(Number(raw.headers.get('content-length')))
  expect(raw.text.replaceAll('\r\n', '')).toContain(content.slice(-1_000))
  for (const { socket } of readers) socket.destroy()
  await expect
    .poll(async () => (await api.call('GET', `/v1/messages/${id}/raw`)).status, { timeout: 30_000 })
    .toBe(200)
}, 120_000)

test('an answer of many messages ends at its limit of recipients', async () => {
  const to = Array.from({ length: 50 }, (_, at) => `user${at}@example.net`)
  const { json } = await api.call('POST', '/v1/send/batch', {
    body: { messages: Array.from({ length: 110 }, () => message({ to })) },
  })
  const ids = [json.results].flat().map((result) => String(Object(result).id))
  expect(ids).toHaveLength(110)
  const statuses = await api.call('POST', '/v1/messages/status', { body: { ids } })
  const results = [statuses.json.results].flat().map((result) => Object(result))
  expect(results.map(({ id }) => id)).toEqual(ids)
  expect(results.slice(0, 100).every(({ status }) => status === 'queued')).toBe(true)
  expect(results.slice(100).map(({ problem }) => problem.code)).toEqual(Array(10).fill('payload-too-large'))

  const seen: unknown[] = []
  for (let cursor: unknown = ''; cursor !== null; ) {
    const page = await api.call('GET', `/v1/messages?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`)
    const data = [page.json.data].flat().map((found) => Object(found))
    expect(data.reduce((sum, { recipients }) => sum + recipients.length, 0)).toBeLessThanOrEqual(2_000)
    seen.push(...data.map(({ id }) => id))
    cursor = page.json.next_cursor
  }
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen).toEqual(expect.arrayContaining(ids))
}, 60_000)
