import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi({ trustedProxies: ['127.0.0.1'] })
})
afterAll(() => api.close())

const message = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }
const create = (body: object, key?: string): Promise<Answer> =>
  api.call('POST', '/v1/keys', { body: { name: 'CI', ...body }, ...(key !== undefined && { key }) })
const keyOf = ({ json }: Answer) => String(json.key)
const from = (address: string) => ({ 'x-forwarded-for': address })
/** Longer than any process keeps a key. */
async function untilRefused(key: string): Promise<number> {
  const startedAt = performance.now()
  while (performance.now() - startedAt < 8_000) {
    if ((await api.call('GET', '/v1/messages', { key })).status === 401) return performance.now() - startedAt
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the key is still good')
}

describe('/v1/keys', () => {
  test('a key is shown once, does what its scopes say, and is listed without itself', async () => {
    const made = await create({ scopes: ['messages:read'] })
    expect(made.status).toBe(201)
    expect(made.headers.get('cache-control')).toBe('no-store')
    const key = keyOf(made)
    expect((await api.call('GET', '/v1/messages', { key })).status).toBe(200)
    expect((await api.call('POST', '/v1/send', { key, body: message })).status).toBe(403)
    const list = await api.call('GET', '/v1/keys')
    expect(list.text).toContain(String(made.json.id))
    expect(list.text).not.toContain(key)
    expect(list.text).not.toContain('hash')
  })

  test('no key makes or rotates one that may do more: not in scopes, mode, networks, domains or time', async () => {
    const bound = await create({
      scopes: ['keys:write', 'messages:send'],
      networks: ['127.0.0.0/8'],
      from_domains: ['*.acme.example'],
      expires_at: '2099-01-01T00:00:00Z',
    })
    const key = keyOf(bound)
    const inside = {
      scopes: ['messages:send'],
      networks: ['127.0.0.1'],
      from_domains: ['news.acme.example'],
      expires_at: '2098-01-01T00:00:00Z',
    }
    expect((await create(inside, key)).status).toBe(201)
    for (const more of [
      { scopes: ['messages:read'] },
      { networks: [] },
      { networks: ['126.0.0.0/7'] },
      { from_domains: [] },
      { from_domains: ['acme.example'] },
      { expires_at: null },
      { expires_at: '2100-01-01T00:00:00Z' },
    ]) {
      const answer = await create({ ...inside, ...more }, key)
      expect([more, answer.status, answer.json.code]).toEqual([more, 403, 'insufficient-scope'])
    }
    expect((await create({ scopes: ['messages:send'] }, api.tenant.testKey)).status).toBe(403)
    const other = await create({ scopes: ['connections:write'] })
    expect((await api.call('POST', `/v1/keys/${other.json.id}/rotate`, { key, body: {} })).status).toBe(403)
  })

  test('a test key sees and makes test keys only', async () => {
    const { testKey: key } = api.tenant
    const live = await create({ scopes: ['messages:read'] })
    expect((await api.call('GET', `/v1/keys/${live.json.id}`, { key })).status).toBe(404)
    expect((await api.call('DELETE', `/v1/keys/${live.json.id}`, { key })).status).toBe(404)
    expect((await create({ scopes: ['messages:read'], mode: 'test' }, key)).status).toBe(201)
    const list = await api.call('GET', '/v1/keys', { key })
    expect(list.text).not.toContain('"mode":"live"')
  })

  test('a key that is bound to networks is refused from elsewhere, by the address that a trusted proxy names', async () => {
    const key = keyOf(
      await create({ scopes: ['messages:read'], networks: ['203.0.113.0/24', '2001:db8::/32'] }),
    )
    const ask = async (address: string) =>
      (await api.call('GET', '/v1/messages', { key, headers: from(address) })).status
    expect(await Promise.all(['203.0.113.9', '::ffff:203.0.113.9', '2001:db8:1::2'].map(ask))).toEqual([
      200, 200, 200,
    ])
    const refused = await api.call('GET', '/v1/messages', { key, headers: from('198.51.100.1') })
    expect(refused).toMatchObject({ status: 403, json: { code: 'insufficient-scope' } })
    expect(refused.json.detail).toContain('198.51.100.1')
  })

  test('a key that is bound to domains sends from these alone, one by one and in batches', async () => {
    const key = keyOf(
      await create({ scopes: ['messages:send'], from_domains: ['ACME.example', '*.acme.example'] }),
    )
    const send = (address: string) =>
      api.call('POST', '/v1/send', { key, body: { ...message, from: `App <app@${address}>` } })
    expect((await send('acme.example')).status).toBe(202)
    expect((await send('news.ACME.example')).status).toBe(202)
    for (const domain of ['evilacme.example', 'acme.example.evil.example', 'other.example']) {
      expect(await send(domain)).toMatchObject({ status: 422, json: { code: 'sender-not-allowed' } })
    }
    const batch = await api.call('POST', '/v1/send/batch', {
      key,
      body: { messages: [message, { ...message, from: 'x@other.example' }] },
    })
    expect(batch.text).toContain('sender-not-allowed')
    expect(batch.json.results).toMatchObject([
      { status: 'queued' },
      { problem: { code: 'sender-not-allowed' } },
    ])
  })

  test.concurrent('a rotated key is good beside the new one for the overlap, and refused everywhere within five seconds after it', async () => {
    const old = await create({ scopes: ['messages:read'] })
    const rotate = (seconds: number, id: unknown) =>
      api.call('POST', `/v1/keys/${id}/rotate`, { body: { overlap_seconds: seconds } })
    const first = await rotate(3_600, old.json.id)
    expect(first.status).toBe(201)
    for (const key of [keyOf(old), keyOf(first)])
      expect((await api.call('GET', '/v1/messages', { key })).status).toBe(200)
    expect(await rotate(0, old.json.id)).toMatchObject({ status: 409 })
    const second = await rotate(0, first.json.id)
    expect(await untilRefused(keyOf(first))).toBeLessThan(5_000)
    expect((await api.call('GET', '/v1/messages', { key: keyOf(second) })).status).toBe(200)
    expect((await api.call('GET', `/v1/keys/${first.json.id}`)).json).toMatchObject({
      status: 'expired',
      replaced_by: second.json.id,
    })
  })

  test.concurrent('a revoked key is refused within five seconds, and stays in the list as revoked', async () => {
    const made = await create({ scopes: ['messages:read'] })
    expect((await api.call('GET', '/v1/messages', { key: keyOf(made) })).status).toBe(200)
    expect((await api.call('DELETE', `/v1/keys/${made.json.id}`)).status).toBe(204)
    expect((await api.call('DELETE', `/v1/keys/${made.json.id}`)).status).toBe(204)
    expect(await untilRefused(keyOf(made))).toBeLessThan(5_000)
    expect((await api.call('GET', `/v1/keys/${made.json.id}`)).json.status).toBe('revoked')
  })

  test.concurrent('the last use of a key is known after the process wrote it, with its address and agent', async ({
    expect,
  }) => {
    const made = await create({ scopes: ['messages:read'] })
    const headers = { ...from('203.0.113.7'), 'user-agent': 'ci/1' }
    await api.call('GET', '/v1/messages', { key: keyOf(made), headers })
    const read = async () => (await api.call('GET', `/v1/keys/${made.json.id}`)).json.last_used
    await expect.poll(read, { timeout: 20_000, interval: 500 }).toMatchObject({
      address: '203.0.113.7',
      agent: 'ci/1',
    })
  })

  test('of the last two keys that may manage keys one stays, also when both are revoked at the same time, unless it is forced', async () => {
    const tenant = await api.addTenant()
    const { liveKey: key } = tenant
    const second = await create({ scopes: ['keys:write', 'keys:read'] }, key)
    const list = await api.call('GET', '/v1/keys', { key })
    const entries = list.json.data
    if (!Array.isArray(entries)) throw new Error('no list')
    const first = entries.find((one) => one.mode === 'live' && one.id !== second.json.id)
    const revoke = (id: unknown, more = '') => api.call('DELETE', `/v1/keys/${id}${more}`, { key })
    const answers = await Promise.all([revoke(first.id), revoke(second.json.id)])
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 409])
    const left = answers[0]?.status === 204 ? second.json.id : first.id
    expect((await revoke(left, '?force=true')).status).toBe(204)
  })

  test('a key that asks too often gets 429 with the limit and the wait, and another key of the tenant does not', async () => {
    const tenant = await api.addTenant()
    await api.db.pool.query({
      text: `update tenant set own_limits = '{"requests_per_second": 1}' where id = $1`,
      values: [tenant.tenantId],
    })
    const ask = (key: string) => api.call('GET', '/v1/messages', { key })
    const answers: Answer[] = []
    for (let i = 0; i < 9; i++) answers.push(await ask(tenant.liveKey))
    expect(answers.map(({ status }) => status)).toEqual([...Array(8).fill(200), 429])
    const refused = answers.at(-1)
    expect(refused?.json).toMatchObject({ code: 'rate-limited' })
    expect(refused?.headers.get('ratelimit-policy')).toBe('"requests";q=8;w=10')
    expect(refused?.headers.get('ratelimit')).toMatch(/^"requests";r=0;t=\d+$/)
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await ask(tenant.testKey)).status).toBe(200)
  })
})
