import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi, type TestTenant } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const message = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }
const add = (tenant: TestTenant, suppressions: unknown[], key = tenant.liveKey) =>
  api.call('POST', '/v1/suppressions', { key, body: { suppressions } })
const get = (tenant: TestTenant, path: string, key = tenant.liveKey) =>
  api.call('GET', `/v1/suppressions${path}`, { key })

describe('the list', () => {
  it('has what was added, in lower case, and a repeat changes nothing', async () => {
    const tenant = await api.addTenant()
    const entries = [
      { address: 'Ann@Example.NET', note: 'asked us by phone' },
      { address: 'bob@example.net', stream: 'bulk', reason: 'unsubscribe' },
    ]
    const first = await add(tenant, entries)
    expect(first).toMatchObject({ status: 200, json: { added: 2 } })
    const again = await add(tenant, [{ address: 'ann@example.net', note: 'other' }, entries[1]])
    expect(again.json).toEqual({ ...first.json, added: 0 })
    expect((await get(tenant, '/ANN%40example.net')).json).toEqual({
      address: 'ann@example.net',
      data: [
        {
          address: 'ann@example.net',
          stream: '*',
          reason: 'manual',
          message_id: null,
          note: 'asked us by phone',
          created_at: expect.any(String),
          expires_at: null,
        },
      ],
    })
  })

  it('names every fault of what cannot be added, and adds nothing of it', async () => {
    const tenant = await api.addTenant()
    const refused = await add(tenant, [
      { address: 'good@example.net' },
      { address: 'bad' },
      { address: 'c@example.net', stream: 'other', expires_at: 'tomorrow' },
    ])
    expect(refused).toMatchObject({ status: 422, json: { code: 'validation-failed' } })
    expect(JSON.stringify(refused.json.errors)).toMatch(
      /suppressions\/1\/address.*suppressions\/2\/stream.*suppressions\/2\/expires_at/,
    )
    expect((await get(tenant, '/good@example.net')).status).toBe(404)
  })

  it('is read page by page, newest first, and by filters', async () => {
    const tenant = await api.addTenant()
    for (const [index, reason] of ['complaint', 'manual', 'complaint'].entries()) {
      await add(tenant, [
        { address: `a${index}@example.net`, reason },
        { address: `b${index}@example.net`, reason, stream: 'bulk' },
      ])
    }
    const addresses: unknown[] = []
    let cursor: unknown = null
    do {
      const page = await get(tenant, `?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`)
      const { data, next_cursor } = page.json
      if (!Array.isArray(data)) throw new Error('no list')
      addresses.push(...data.map((entry) => entry.address))
      cursor = next_cursor
    } while (cursor !== null)
    expect(addresses).toEqual(['b2', 'a2', 'b1', 'a1', 'b0', 'a0'].map((name) => `${name}@example.net`))
    const filtered = await get(tenant, '?reason=complaint&stream=bulk')
    expect(filtered.json).toMatchObject({
      data: [{ address: 'b2@example.net' }, { address: 'b0@example.net' }],
      next_cursor: null,
    })
    expect((await get(tenant, '?address=A1@example.net')).json).toMatchObject({
      data: [{ reason: 'manual' }],
    })
  })

  it('is one for live and one for test keys, and another tenant sees neither', async () => {
    const [tenant, other] = [await api.addTenant(), await api.addTenant()]
    await add(tenant, [{ address: 'ann@example.net' }])
    expect((await get(tenant, '/ann@example.net', tenant.testKey)).status).toBe(404)
    expect((await get(other, '/ann@example.net')).status).toBe(404)
    const body = { ...message, to: ['ann@example.net'] }
    for (const key of [tenant.testKey, other.liveKey])
      expect((await api.call('POST', '/v1/send', { key, body })).json.status).toBe('queued')
  })

  it('forgets what was deleted, one stream or all', async () => {
    const tenant = await api.addTenant()
    await add(tenant, [
      { address: 'ann@example.net' },
      { address: 'ann@example.net', stream: 'bulk' },
      { address: 'ann@example.net', stream: 'transactional' },
    ])
    const remove = (path: string) => api.call('DELETE', `/v1/suppressions/${path}`, { key: tenant.liveKey })
    expect((await remove('Ann@example.net?stream=*')).json).toEqual({
      address: 'ann@example.net',
      deleted: 1,
    })
    expect((await remove('ann@example.net')).json).toMatchObject({ deleted: 2 })
    expect((await remove('ann@example.net')).status).toBe(404)
  })

  it('holds an entry until it ends, and one that lasts longer takes its place', async () => {
    const tenant = await api.addTenant()
    const soon = new Date(Date.now() + 86_400_000).toISOString()
    const past = '2026-01-01T00:00:00Z'
    await add(tenant, [
      { address: 'a@example.net', expires_at: soon },
      { address: 'b@example.net', expires_at: soon },
    ])
    await api.db.pool.query({
      text: `update suppression set expires_at = $2 where tenant_id = $1 and address = 'a@example.net'`,
      values: [tenant.tenantId, past],
    })
    expect((await add(tenant, [{ address: 'c@example.net', expires_at: past }])).json).toEqual({
      added: 0,
      data: [],
    })
    expect((await get(tenant, '/a@example.net')).status).toBe(404)
    const sent = await api.call('POST', '/v1/send', {
      key: tenant.liveKey,
      body: { ...message, to: ['a@example.net', 'b@example.net'] },
    })
    expect(sent.json.recipients).toMatchObject([{ status: 'queued' }, { status: 'suppressed' }])
    expect((await add(tenant, [{ address: 'b@example.net', reason: 'complaint' }])).json).toMatchObject({
      added: 1,
      data: [{ reason: 'complaint', expires_at: null }],
    })
    expect((await add(tenant, [{ address: 'b@example.net', expires_at: soon }])).json).toMatchObject({
      added: 0,
    })
  })
})

it('finds and deletes an entry whose address was erased, by that address', async () => {
  const tenant = await api.addTenant()
  const run = (text: string, values: unknown[]) => api.db.pool.query({ text, values })
  const key = tenant.liveKey
  await run(`insert into erasure_key (tenant_id, key) values ($1, sha256('a'))`, [tenant.tenantId])
  await run(
    `insert into suppression (tenant_id, mode, address, stream, reason)
     values ($1, 'live', erased_address($1, 'ann@example.net'), '*', 'complaint')`,
    [tenant.tenantId],
  )
  const hash = expect.stringMatching(/^[0-9a-f]{32}@erased\.invalid$/)
  const entry = { address: hash, reason: 'complaint' }
  expect((await get(tenant, '/Ann@example.net')).json).toMatchObject({
    address: 'ann@example.net',
    data: [entry],
  })
  expect((await get(tenant, '?address=ann@example.net')).json.data).toMatchObject([entry])
  expect((await get(tenant, '/bob@example.net')).status).toBe(404)
  const deleted = await api.call('DELETE', '/v1/suppressions/ann@example.net', { key })
  expect(deleted.json).toEqual({ address: 'ann@example.net', deleted: 1 })
  const sent = await api.call('POST', '/v1/send', { key, body: { ...message, to: ['ann@example.net'] } })
  expect(sent.json.status).toBe('queued')
})

describe('sending', () => {
  it('to suppressed recipients is a status in the 202, is not counted, and is shown with its event', async () => {
    const tenant = await api.addTenant({ dailyLimit: 10 })
    await add(tenant, [{ address: 'ann@example.net', reason: 'complaint' }])
    const body = { ...message, to: ['user@example.net'], cc: ['Ann@example.net'] }
    const answer = await api.call('POST', '/v1/send', { key: tenant.liveKey, body })
    expect(answer).toMatchObject({
      status: 202,
      json: {
        status: 'queued',
        recipients: [
          { address: 'user@example.net', status: 'queued' },
          { address: 'Ann@example.net', status: 'suppressed' },
        ],
      },
    })
    expect(answer.headers.get('ratelimit')).toMatch(/^"daily";r=9;/)
    const path = `/v1/messages/${answer.json.id}`
    expect((await api.call('GET', path, { key: tenant.liveKey })).json).toMatchObject({
      status: 'queued',
      recipients: [
        { status: 'queued', reason: null },
        { status: 'suppressed', reason: 'the address is on your suppression list (complaint)' },
      ],
    })
    expect((await api.call('GET', `${path}/events`, { key: tenant.liveKey })).json.data).toMatchObject([
      { type: 'message.accepted' },
      { type: 'recipient.suppressed', recipient: 'Ann@example.net' },
    ])
  })

  it('to nobody but suppressed recipients leaves nothing to do, even where the quota is used up', async () => {
    const tenant = await api.addTenant({ dailyLimit: 1 })
    await add(tenant, [{ address: 'ann@example.net' }])
    const send = (to: string[]) =>
      api.call('POST', '/v1/send', { key: tenant.liveKey, body: { ...message, to } })
    expect((await send(['ann@example.net', 'last@example.net'])).status).toBe(202)
    expect(await send(['ann@example.net'])).toMatchObject({ status: 202, json: { status: 'suppressed' } })
    expect(await send(['ann@example.net', 'more@example.net'])).toMatchObject({
      status: 429,
      json: { code: 'quota-exceeded' },
    })
    const { rows } = await api.db.pool.query({
      text: 'select count(*)::int as n from outbox where tenant_id = $1',
      values: [tenant.tenantId],
    })
    expect(rows).toEqual([{ n: 1 }])
  })

  it('repeated with the same Idempotency-Key gets the same statuses, whatever the list says by then', async () => {
    const tenant = await api.addTenant()
    await add(tenant, [{ address: 'ann@example.net' }])
    const body = { messages: [{ ...message, to: ['ann@example.net'] }, message, { ...message, to: ['bad'] }] }
    const send = () =>
      api.call('POST', '/v1/send/batch', {
        key: tenant.liveKey,
        body,
        headers: { 'idempotency-key': 'batch-1' },
      })
    const first = await send()
    expect(first.json.results).toMatchObject([
      { status: 'suppressed' },
      { status: 'queued' },
      { problem: {} },
    ])
    await api.call('DELETE', '/v1/suppressions/ann@example.net', { key: tenant.liveKey })
    await add(tenant, [{ address: 'user@example.net' }])
    const again = await send()
    expect(again.json).toEqual(first.json)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
  })

  it('asks for the list of its stream: who unsubscribed from bulk mail still gets a receipt', async () => {
    const tenant = await api.addTenant()
    await add(tenant, [{ address: 'ann@example.net', stream: 'bulk', reason: 'unsubscribe' }])
    const send = (stream: string) =>
      api.call('POST', '/v1/send', {
        key: tenant.liveKey,
        body: { ...message, to: ['ann@example.net'], stream },
      })
    expect((await send('bulk')).json.status).toBe('suppressed')
    expect((await send('transactional')).json.status).toBe('queued')
  })

  it('to suppressed@sandbox.lettergate.dev is suppressed in every mode, without an entry', async () => {
    const { liveKey, testKey } = await api.addTenant()
    for (const key of [liveKey, testKey]) {
      const body = { ...message, to: ['suppressed+1@sandbox.lettergate.dev'] }
      expect((await api.call('POST', '/v1/send', { key, body })).json.status).toBe('suppressed')
    }
  })
})
