import { createServer, type Server } from 'node:net'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { playSmtp, type SmtpPeer } from '@lettergate/providers/test/smtp-peer'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi, type TestTenant } from '../../../test/api.ts'

let api: TestApi
const peers: { close(): unknown }[] = []
beforeAll(async () => {
  api = await startTestApi({ egressAllow: ['127.0.0.1'] })
})
afterAll(() => api.close())
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close()
})

async function play(script: Parameters<typeof playSmtp>[0]): Promise<SmtpPeer> {
  const peer = await playSmtp(script)
  peers.push(peer)
  return peer
}

async function connect(port: number, tenant: TestTenant = api.tenant): Promise<string> {
  const body = {
    provider: 'smtp',
    name: 'Relay',
    settings: { host: '127.0.0.1', port, tls: 'none', allow_insecure: true },
    credentials: { username: 'canary-user', password: 'canary-password' },
  }
  return String((await api.call('POST', '/v1/connections', { body, key: tenant.liveKey })).json.id)
}

const check = (id: string, body: object = {}, key = api.tenant.liveKey) =>
  api.call('POST', `/v1/connections/${id}/test`, { body, key })
const ehlo = ['mail.test', 'AUTH PLAIN LOGIN']

describe('POST /v1/connections/{id}/test', () => {
  it('says that a good account is good, and sends nothing', async () => {
    const peer = await play({ ehlo })
    expect(await check(await connect(peer.port))).toMatchObject({
      status: 200,
      json: { ok: true, problem: null, message_id: null, took_ms: expect.any(Number) },
    })
    expect(peer.messages).toEqual([])
  })

  it('a refused login is an answer with advice and a page, and shows no credential', async () => {
    const said = `535 5.7.8 no such user canary-user ${Buffer.from('\0canary-user\0canary-password').toString('base64')}`
    const peer = await play({ ehlo, auth: said })
    const answer = await check(await connect(peer.port))
    expect(answer).toMatchObject({
      status: 200,
      json: {
        ok: false,
        problem: {
          code: 'provider-credentials-refused',
          reason: expect.stringContaining('535 5.7.8'),
          advice: expect.arrayContaining([expect.stringMatching(/password/)]),
          help: '/problems/provider-credentials-refused',
        },
      },
    })
    expect(answer.text).not.toMatch(/canary|Y2FuYXJ5/)
    const page = await api.call('GET', '/problems/provider-credentials-refused', { key: null })
    expect(page.status).toBe(200)
  })

  it('a missing host is a problem of its own', async () => {
    const gone = await play({})
    const id = await connect(gone.port)
    await gone.close()
    peers.splice(0)
    expect(await check(id)).toMatchObject({
      status: 200,
      json: { ok: false, problem: { code: 'provider-unreachable' } },
    })
  })

  it('a good one whose circuit is open is tried by the next message; a bad one is left as it was', async () => {
    const tenant = await api.addTenant()
    const good = await connect((await play({ ehlo })).port, tenant)
    const bad = await connect((await play({ ehlo, auth: '535 5.7.8 no' })).port, tenant)
    const isDue = async (id: string) => {
      const values = [tenant.tenantId, fromPublicId('con', id)]
      await api.db.pool.query({
        text: `insert into connection_health (tenant_id, connection_id, state, opened, retry_at)
               values ($1, $2, 'open', 5, now() + interval '10 min')`,
        values,
      })
      await check(id, {}, tenant.liveKey)
      const { rows } = await api.db.pool.query<{ is_due: boolean }>({
        text: `select retry_at <= now() as is_due from connection_health where tenant_id = $1 and connection_id = $2`,
        values,
      })
      return rows[0]?.is_due
    }
    expect([await isDue(good), await isDue(bad)]).toEqual([true, false])
  })

  it('a test message is accepted, counted and named like any other', async () => {
    const peer = await play({ ehlo })
    const id = await connect(peer.port)
    const { json } = await check(id, { send_to: 'user@example.net', from: 'app@acme.example' })
    expect(json).toMatchObject({ ok: true, message_id: expect.stringMatching(/^msg_/) })
    const message = await api.call('GET', `/v1/messages/${json.message_id}`)
    expect(message.json).toMatchObject({ connection: id, recipients: [{ address: 'user@example.net' }] })
    const raw = await api.call('GET', `/v1/messages/${json.message_id}/raw`)
    expect(raw.text).toMatch(/^X-LG-Test: connection\r?$/im)
  })

  it('no message is sent by a bad account, nor for a key that may not send', async () => {
    const peer = await play({ ehlo, auth: '535 5.7.8 no' })
    const id = await connect(peer.port)
    const body = { send_to: 'user@example.net', from: 'app@acme.example' }
    expect((await check(id, body)).json).toMatchObject({ ok: false, message_id: null })
    const key = await api.addKey(api.tenant.tenantId, ['connections:write'])
    expect(await check(id, body, key)).toMatchObject({ status: 403, json: { code: 'insufficient-scope' } })
  })

  it.each([
    ['an address without @', { send_to: 'a', from: 'app@acme.example' }, '#/send_to'],
    ['no author', { send_to: 'user@example.net' }, '#/from'],
    ['an unknown field', { to: 'user@example.net' }, '#/to'],
  ])('%s is refused where it stands', async (_, body, pointer) => {
    const answer = await check(await connect(2525), body)
    expect(answer).toMatchObject({ status: 422, json: { code: 'validation-failed' } })
    expect(answer.json.errors).toMatchObject([{ pointer }])
  })

  it('a tenant may ask ten times a minute, and no other tenant is slowed by it', async () => {
    const peer = await play({ ehlo })
    const [busy, other] = [await api.addTenant(), await api.addTenant()]
    const id = await connect(peer.port, busy)
    for (let i = 0; i < 10; i++) expect((await check(id, {}, busy.liveKey)).status).toBe(200)
    const refused = await check(id, {}, busy.liveKey)
    expect(refused).toMatchObject({ status: 429, json: { code: 'rate-limited' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await check(await connect(peer.port, other), {}, other.liveKey)).status).toBe(200)
  })
})

it('a stopping api does not wait for a provider that never answers', async () => {
  const own = await startTestApi({ egressAllow: ['127.0.0.1'] })
  const silent: Server = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const address = silent.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const settings = { host: '127.0.0.1', port, tls: 'none', allow_insecure: true }
  const made = await own.call('POST', '/v1/connections', { body: { provider: 'smtp', name: 'x', settings } })
  const answer = own.call('POST', `/v1/connections/${made.json.id}/test`, { body: {} })
  await new Promise<void>((resolve) => silent.once('connection', () => resolve()))
  const startedAt = performance.now()
  await own.close()
  expect(await answer).toMatchObject({ status: 503, json: { code: 'overloaded' } })
  expect(performance.now() - startedAt).toBeLessThan(5_000)
  silent.close()
})
