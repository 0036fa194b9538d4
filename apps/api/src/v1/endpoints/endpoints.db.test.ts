import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isWebhookSecret } from '@lettergate/contracts/webhooks/sign-webhook'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

const dns: Record<string, string[]> = { 'app.example.net': ['8.8.8.8'], 'inner.example.net': ['10.9.8.7'] }
const received: { headers: Record<string, string>; text: string }[] = []
const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  )
  received.push({ headers, text: Buffer.concat(chunks).toString() })
  const { authorization } = request.headers
  if (request.url === '/long') return void response.writeHead(200).end('long'.repeat(1_000_000))
  response
    .writeHead(202)
    .end(authorization ? `you sent ${authorization}, ${authorization.split(' ')[1]}` : 'got it')
})
let api: TestApi
let local: string
beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const { port } = receiver.address() as AddressInfo
  local = `http://127.0.0.1:${port}/hook`
  api = await startTestApi({
    egressAllow: [`127.0.0.1:${port}`],
    egressResolve: async (name) => dns[name] ?? [],
    publicUrl: 'https://gateway.example.net',
  })
})
afterAll(async () => {
  await api.close()
  await new Promise((resolve) => receiver.close(resolve))
})

const url = 'https://app.example.net/events'
const create = (change: Record<string, unknown> = {}, key?: string) =>
  api.call('POST', '/v1/endpoints', { body: { url, ...change }, ...(key && { key }) })

describe('/v1/endpoints', () => {
  it('shows the secret once, and header values never', async () => {
    const created = await create({
      headers: { Authorization: 'Bearer canary' },
      types: ['recipient.bounced'],
    })
    expect(created).toMatchObject({
      status: 201,
      json: { url, types: ['recipient.bounced'], tags: null, enabled: true, header_names: ['Authorization'] },
    })
    expect(isWebhookSecret(String(created.json.secret))).toBe(true)
    const read = await api.call('GET', `/v1/endpoints/${created.json.id}`)
    const listed = await api.call('GET', '/v1/endpoints')
    for (const text of [read.text, listed.text]) {
      expect(text).not.toContain('whsec_')
      expect(text).not.toContain('canary')
    }
    expect(created.text).not.toContain('canary')
    const { secret: _secret, ...rest } = created.json
    expect(read.json).toEqual(rest)
  })

  it.each([
    ['no URL', { url: 'hello' }, '#/url', 'validation-failed'],
    ['plain http', { url: 'http://app.example.net' }, '#/url', 'url-not-allowed'],
    ['a private address behind a name', { url: 'https://inner.example.net' }, '#/url', 'url-not-allowed'],
    ['a private address', { url: 'https://10.1.2.3' }, '#/url', 'url-not-allowed'],
    ['a loopback address in another spelling', { url: 'https://0x7f.1' }, '#/url', 'url-not-allowed'],
    ['a loopback address in IPv6', { url: 'https://[::ffff:127.0.0.1]' }, '#/url', 'url-not-allowed'],
    [
      'the metadata service of a cloud',
      { url: 'https://169.254.169.254/latest' },
      '#/url',
      'url-not-allowed',
    ],
    ['the gateway itself', { url: 'https://gateway.example.net/v1/send' }, '#/url', 'url-not-allowed'],
    ['a password in the URL', { url: 'https://a:b@app.example.net' }, '#/url', 'validation-failed'],
    ['an event that does not exist', { types: ['mail.read'] }, '#/types/0', 'validation-failed'],
    [
      'a field that the gateway writes',
      { headers: { 'Webhook-Id': 'x' } },
      '#/headers/Webhook-Id',
      'validation-failed',
    ],
    ['a value with a line break', { headers: { X: 'a\r\nB: c' } }, '#/headers/X', 'validation-failed'],
    ['a field that does not exist', { colour: 'blue' }, '#/colour', 'validation-failed'],
  ])('refuses %s, and says where', async (_, change, pointer, code) => {
    const { status, json } = await create(change)
    expect(status).toBe(422)
    expect(json.errors).toMatchObject([{ pointer }])
    const [error] = json.errors as { code?: string }[]
    expect(error?.code ?? json.code).toBe(code)
  })

  it('changes what is given, and enables again what was disabled', async () => {
    const { json } = await create({ types: ['recipient.sent'], tags: ['a'] })
    const path = `/v1/endpoints/${json.id}`
    const changed = await api.call('PATCH', path, {
      body: { types: null, description: 'Mine', max_events: 10 },
    })
    expect(changed).toMatchObject({
      status: 200,
      json: { types: null, tags: ['a'], description: 'Mine', max_events: 10 },
    })
    await api.call('PATCH', path, { body: { enabled: false } })
    expect((await api.call('GET', path)).json).toMatchObject({
      enabled: false,
      disabled_at: expect.any(String),
    })
    await api.call('PATCH', path, { body: { enabled: true } })
    expect((await api.call('GET', path)).json).toMatchObject({
      enabled: true,
      disabled_at: null,
      disabled_reason: null,
    })
  })

  it('stored header fields go to no other host', async () => {
    const { json } = await create({ headers: { Authorization: 'Bearer canary' } })
    const path = `/v1/endpoints/${json.id}`
    const change = (body: object) => api.call('PATCH', path, { body })
    for (const elsewhere of [
      local,
      'https://other.example.net/events',
      'https://app.example.net.evil.example/',
    ]) {
      const refused = await change({ url: elsewhere })
      expect(refused).toMatchObject({ status: 422, json: { errors: [{ pointer: '#/headers' }] } })
      expect(refused.text).not.toContain('canary')
    }
    expect((await change({ url: `${url}/other-path` })).json).toMatchObject({
      header_names: ['Authorization'],
    })
    expect((await change({ url: local, headers: { 'X-Team': 'mail' } })).json).toMatchObject({
      url: local,
      header_names: ['X-Team'],
    })
    expect((await change({ url, headers: {} })).json).toMatchObject({ url, header_names: [] })
    expect((await change({ url: local })).status).toBe(200)
  })

  it('a receiver that repeats the header fields in its answer does not show them', async () => {
    const { json } = await create({
      url: local,
      headers: { Authorization: 'Bearer canary-of-acme', 'X-Team': 'you' },
    })
    const tested = await api.call('POST', `/v1/endpoints/${json.id}/test`)
    expect(tested.text).not.toContain('canary')
    expect(tested.text).toContain('you sent ***, ***')
  })

  it('the status of a call counts, however long its answer is', async () => {
    const { json } = await create({ url: local.replace('/hook', '/long') })
    const { json: tested } = await api.call('POST', `/v1/endpoints/${json.id}/test`)
    expect(tested).toMatchObject({ status: 200, error: null })
    expect(tested.answer).toBe('long'.repeat(256))
  })

  it('a deleted one is gone, with all that waits for it', async () => {
    const { json } = await create()
    expect((await api.call('DELETE', `/v1/endpoints/${json.id}`)).status).toBe(204)
    expect((await api.call('GET', `/v1/endpoints/${json.id}`)).status).toBe(404)
    expect((await api.call('DELETE', `/v1/endpoints/${json.id}`)).status).toBe(404)
  })

  it('test keys have endpoints of their own', async () => {
    const made = await create({}, api.tenant.testKey)
    expect(made.status).toBe(201)
    expect((await api.call('GET', `/v1/endpoints/${made.json.id}`)).status).toBe(404)
    const { json } = await api.call('GET', '/v1/endpoints', { key: api.tenant.testKey })
    expect(json.data).toMatchObject([{ id: made.json.id }])
  })

  it('a tenant has 50 at most, also with concurrent requests', async () => {
    const { liveKey } = await api.addTenant()
    for (let n = 0; n < 45; n++) expect((await create({}, liveKey)).status).toBe(201)
    const answers = await Promise.all(Array.from({ length: 15 }, () => create({}, liveKey)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(10)
  })
})

describe('/v1/endpoints/{id}/rotate-secret and /test', () => {
  it('a test is signed with both secrets for a day after a rotation, and with the new one afterwards', async () => {
    const { json } = await create({ url: local, headers: { 'X-Team': 'mail' } })
    const rotated = await api.call('POST', `/v1/endpoints/${json.id}/rotate-secret`)
    expect(rotated.json.secret).not.toBe(json.secret)
    const inMs = Date.parse(String(rotated.json.previous_valid_until)) - Date.now()
    expect(Math.abs(inMs - 86_400_000)).toBeLessThan(60_000)
    const tested = await api.call('POST', `/v1/endpoints/${json.id}/test`)
    expect(tested).toMatchObject({
      status: 200,
      json: { ok: true, status: 202, error: null, answer: 'got it' },
    })
    const { headers = {}, text = '' } = received.at(-1) ?? {}
    for (const secret of [json.secret, rotated.json.secret]) new Webhook(String(secret)).verify(text, headers)
    expect(headers['x-team']).toBe('mail')
    expect(JSON.parse(text)).toMatchObject({
      type: 'recipient.delivered',
      data: { tags: ['lettergate-test'] },
    })
  })

  it('two rotations at once give two secrets, and the last one stands', async () => {
    const { json } = await create({ url: local })
    const rotate = () => api.call('POST', `/v1/endpoints/${json.id}/rotate-secret`)
    const answers = await Promise.all([rotate(), rotate()])
    expect(new Set(answers.map(({ json: { secret } }) => secret)).size).toBe(2)
    await api.call('POST', `/v1/endpoints/${json.id}/test`)
    const { headers = {}, text = '' } = received.at(-1) ?? {}
    const verified = answers.filter(({ json: { secret } }) => {
      try {
        new Webhook(String(secret)).verify(text, headers)
        return true
      } catch {
        return false
      }
    })
    expect(verified).toHaveLength(2)
  })

  it('an unreachable URL is an answer, with the reason', async () => {
    const { json } = await create({ url: 'https://app.example.net' })
    dns['app.example.net'] = []
    const { json: tested } = await api.call('POST', `/v1/endpoints/${json.id}/test`)
    dns['app.example.net'] = ['8.8.8.8']
    expect(tested).toMatchObject({ ok: false, status: null, error: expect.any(String) })
  })
})

describe('/v1/endpoints/default-secret', () => {
  it('is made at first use, stays, and can be replaced', async () => {
    const { liveKey: key } = await api.addTenant()
    const first = await api.call('GET', '/v1/endpoints/default-secret', { key })
    expect(isWebhookSecret(String(first.json.secret))).toBe(true)
    expect((await api.call('GET', '/v1/endpoints/default-secret', { key })).json).toEqual(first.json)
    const rotated = await api.call('POST', '/v1/endpoints/default-secret/rotate', { key })
    expect(rotated.json.secret).not.toBe(first.json.secret)
    expect((await api.call('GET', '/v1/endpoints/default-secret', { key })).json.secret).toBe(
      rotated.json.secret,
    )
  })
})

describe('callback_url of a message', () => {
  const message = { from: 'a@acme.example', to: 'b@example.net', subject: 'Hi', text: 'Hello' }

  it('is stored with the message, whose events are looked for from then on', async () => {
    const { liveKey: key, tenantId } = await api.addTenant()
    const sent = await api.call('POST', '/v1/send', { key, body: { ...message, callback_url: url } })
    expect(sent.status).toBe(202)
    expect((await api.call('GET', `/v1/messages/${sent.json.id}`, { key })).json.callback_url).toBe(url)
    const { rowCount } = await api.db.pool.query({
      text: 'select from endpoint_state where tenant_id = $1 and endpoint_id is null',
      values: [tenantId],
    })
    expect(rowCount).toBe(1)
  })

  it('that leads to a private address is refused, in a batch for its message alone', async () => {
    const bad = { ...message, callback_url: 'https://127.0.0.1/x' }
    const sent = await api.call('POST', '/v1/send', { body: bad })
    expect(sent).toMatchObject({
      status: 422,
      json: { code: 'url-not-allowed', errors: [{ pointer: '#/callback_url' }] },
    })
    const batch = await api.call('POST', '/v1/send/batch', { body: { messages: [message, bad] } })
    expect(batch.json.results).toMatchObject([{ status: 'queued' }, { problem: { code: 'url-not-allowed' } }])
  })
})

describe('/v1/endpoints/{id}/deliveries and /replay', () => {
  it('are empty for a new endpoint, and a replay counts what its filters let through', async () => {
    const { liveKey: key } = await api.addTenant()
    const { json } = await create({ types: ['message.accepted'] }, key)
    expect((await api.call('GET', `/v1/endpoints/${json.id}/deliveries`, { key })).json).toEqual({
      data: [],
      next_cursor: null,
    })
    const body = { from: 'a@acme.example', to: 'b@example.net', subject: 'Hi', text: 'Hello' }
    const sent = await api.call('POST', '/v1/send', { key, body })
    const replay = (given: object) =>
      api.call('POST', `/v1/endpoints/${json.id}/replay`, { key, body: given })
    const since = new Date(Date.now() - 60_000).toISOString()
    expect((await replay({ since, dry_run: true })).json).toMatchObject({ count: 1, has_more: false })
    expect((await replay({ since, only_failed: true, dry_run: true })).json).toMatchObject({ count: 0 })
    expect((await replay({ message: sent.json.id, seq: 1, dry_run: true })).json).toMatchObject({ count: 0 })
    expect((await replay({ message: sent.json.id, seq: 0 })).json).toMatchObject({ count: 1 })
    for (const wrong of [{}, { seq: 0 }, { since, seq: 1 }, { since, message: sent.json.id }])
      expect((await replay(wrong)).status).toBe(422)
    const { rows } = await api.db.pool.query({ text: 'select seq::int4, type, state from delivery' })
    expect(rows).toEqual([{ seq: 0, type: 1, state: 'waiting' }])
  })
})
