import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ProviderProcess, startProvider } from './provider-process.ts'

const ID = 'msg_01arz3ndektsv4rrffq69g5fav'
let provider: ProviderProcess

beforeEach(async () => {
  provider = await startProvider()
})
afterEach(() => provider.stop())

function hand(body: object, timeoutMs = 5_000): Promise<Response> {
  return fetch(`${provider.url}/v2/email/outbound-emails`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  })
}

const tagged = { EmailTags: [{ Name: 'lg_id', Value: ID }] }

test('what it takes is in the ledger under the id of the tag', async () => {
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

test('a refusal, and a reset before the body, take nothing', async () => {
  await provider.script({
    rules: [
      { times: 1, fault: { kind: 'status', status: 503 } },
      { fault: { kind: 'reset-before-body' }, every: 2 },
    ],
  })
  expect((await hand(tagged)).status).toBe(503)
  await expect(hand(tagged)).rejects.toThrow()
  expect(await provider.count()).toBe(0)
})

test.each([
  { kind: 'no-answer', taken: true },
  { kind: 'reset-after-body', taken: true },
] as const)('$kind takes the mail without saying so', async (fault) => {
  await provider.script({ rules: [{ fault }] })
  await expect(hand(tagged, 300)).rejects.toThrow()
  expect(await provider.count()).toBe(1)
})

test('a dripping answer and a huge one arrive whole', async () => {
  await provider.script({
    rules: [
      { times: 1, fault: { kind: 'drip', everyMs: 1 } },
      { fault: { kind: 'huge-answer', bytes: 2_000_000 } },
    ],
  })
  expect(await (await hand(tagged)).json()).toEqual({ MessageId: 'fake-1' })
  expect((await (await hand(tagged)).text()).length).toBeGreaterThan(2_000_000)
})

test('a rule strikes every n-th request that it matches', async () => {
  await provider.script({ rules: [{ every: 2, match: ID, fault: { kind: 'status', status: 500 } }] })
  const statuses: number[] = []
  for (const body of [tagged, tagged, {}, {}, tagged, tagged]) statuses.push((await hand(body)).status)
  expect(statuses).toEqual([200, 500, 200, 200, 200, 500])
})
