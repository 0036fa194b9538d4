import { request as httpRequest } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ProviderFault } from './provider-fault.ts'
import { type ProviderProcess, startProvider } from './provider-process.ts'

const ID = 'msg_01arz3ndektsv4rrffq69g5fav'
let provider: ProviderProcess

beforeEach(async () => {
  provider = await startProvider()
})
afterEach(() => provider.stop())

const SES = '/v2/email/outbound-emails'
const RESEND = '/emails'

function hand(body: object, timeoutMs = 5_000, path = SES, headers = {}): Promise<Response> {
  return fetch(`${provider.url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    redirect: 'manual',
    headers,
    signal: AbortSignal.timeout(timeoutMs),
  })
}

const tagged = { EmailTags: [{ Name: 'lg_id', Value: ID }] }
const toResend = { text: 'x', tags: [{ name: 'lg_id', value: ID }] }
const underKey = (key: string, body: object = toResend) =>
  hand(body, 5_000, RESEND, { 'idempotency-key': key }).then(async (response) => [
    response.status,
    await response.text(),
  ])

test('accepted mail is in the ledger under the id of the tag', async () => {
  const response = await hand(tagged)
  expect([response.status, await response.json()]).toEqual([200, { MessageId: 'fake-1' }])
  expect(await provider.ledger()).toMatchObject([{ messageId: ID }])
})

test('without a tag, the id is found in the headers of the MIME, and never in its body', async () => {
  const raw = (mime: string) => ({ Content: { Raw: { Data: Buffer.from(mime).toString('base64') } } })
  await hand(raw(`Subject: a\r\nX-LG-Id: ${ID}\r\n\r\nbody`))
  await hand(raw(`Subject: a\r\n\r\nX-LG-Id: ${ID}`))
  expect((await provider.ledger()).map(({ messageId }) => messageId)).toEqual([ID, undefined])
})

test('a request of many pieces, and one with a long part after its tag, are read completely', async () => {
  const long = 'y'.repeat(3_000_000)
  await hand({ Content: long, ...tagged })
  await hand({ ...tagged, Content: long })
  expect((await provider.ledger()).map(({ messageId }) => messageId)).toEqual([ID, ID])
})

test('a repeat with the same key gets the first answer and adds no mail', async () => {
  expect(await underKey('a')).toEqual([200, '{"id":"fake-1"}'])
  expect(await underKey('a')).toEqual([200, '{"id":"fake-1"}'])
  expect(await underKey('b')).toEqual([200, '{"id":"fake-2"}'])
  expect([await provider.count(), (await provider.replays()).length]).toEqual([2, 1])
})

test('a key with other content, or with its first request in progress, is refused', async () => {
  await provider.script({ latencyMs: 300, rules: [] })
  const first = underKey('a')
  await expect.poll(() => provider.count()).toBe(1)
  expect(await underKey('a')).toMatchObject([409, expect.stringContaining('concurrent_idempotent_requests')])
  await first
  expect(await underKey('a', { ...toResend, text: 'y' })).toMatchObject([
    409,
    expect.stringContaining('invalid_idempotent_request'),
  ])
  expect(await provider.count()).toBe(1)
})

test('a repeat of mail that a fault accepted is recognised too; a provider that forgets keys recognises nothing', async () => {
  await provider.script({ rules: [{ times: 1, fault: { kind: 'status', status: 500, taken: true } }] })
  expect(await underKey('a')).toMatchObject([500, expect.anything()])
  expect(await underKey('a')).toEqual([200, '{"id":"fake-1"}'])
  await provider.stop()
  provider = await startProvider({ forgetsKeys: true })
  await underKey('a')
  await underKey('a')
  expect([await provider.count(), (await provider.replays()).length]).toEqual([2, 0])
})

test('a refusal, a redirect, and a reset before the body accept no mail', async () => {
  const elsewhere = { kind: 'status', status: 307, headers: { location: 'http://127.0.0.1:1/' } } as const
  await provider.script({
    rules: [
      { times: 1, fault: { kind: 'status', status: 503 } },
      { times: 1, fault: elsewhere },
      { fault: { kind: 'reset-before-body' }, every: 3 },
    ],
  })
  expect((await hand(tagged)).status).toBe(503)
  expect((await hand(tagged)).headers.get('location')).toBe('http://127.0.0.1:1/')
  await expect(hand(tagged)).rejects.toThrow()
  expect(await provider.count()).toBe(0)
  expect((await provider.faults()).map(({ fault }) => fault)).toEqual(['status', 'status'])
})

const speechless: ProviderFault[] = [
  { kind: 'no-answer', taken: true },
  { kind: 'reset-after-body', taken: true },
  { kind: 'half-close', taken: true },
  { kind: 'truncated-answer' },
  { kind: 'broken-json' },
  { kind: 'not-http' },
  { kind: 'huge-headers', bytes: 100_000 },
  { kind: 'endless-headers', everyMs: 10 },
]

test.each(speechless)('$kind accepts the mail without an answer that says so', async (fault) => {
  await provider.script({ rules: [{ fault }] })
  await expect(hand(tagged, 500).then((response) => response.json())).rejects.toThrow()
  expect(await provider.count()).toBe(1)
})

test('reset-on-connect breaks new connections only', async () => {
  await hand(tagged)
  await provider.script({ rules: [{ fault: { kind: 'reset-on-connect' } }] })
  const other = httpRequest(`${provider.url}/ledger/count`, { agent: false })
  const failed = new Promise((resolve) => other.once('error', resolve))
  other.end()
  expect(await failed).toMatchObject({ code: 'ECONNRESET' })
})

test('a dripping answer and huge answers arrive completely', async () => {
  await provider.script({
    rules: [
      { times: 1, fault: { kind: 'drip', everyMs: 1 } },
      { times: 1, fault: { kind: 'huge-answer', bytes: 2_000_000 } },
      { fault: { kind: 'huge-answer', bytes: 2_000_000, chunked: true } },
    ],
  })
  expect(await (await hand(tagged)).json()).toEqual({ MessageId: 'fake-1' })
  for (const number of [2, 3]) {
    const answer: unknown = await (await hand(tagged)).json()
    expect(answer).toEqual({ MessageId: `fake-${number}`, Padding: 'x'.repeat(2_000_000) })
  }
})

test('a rule applies to every n-th request that it matches', async () => {
  await provider.script({ rules: [{ every: 2, match: ID, fault: { kind: 'status', status: 500 } }] })
  const statuses: number[] = []
  for (const body of [tagged, tagged, {}, {}, tagged, tagged]) statuses.push((await hand(body)).status)
  expect(statuses).toEqual([200, 500, 200, 200, 200, 500])
})
