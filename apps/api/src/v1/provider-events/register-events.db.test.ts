import { playCertificates } from '@lettergate/providers/ses/test/account'
import { loadAccounts } from '@lettergate/providers/test/event-account'
import { readFixtures } from '@lettergate/providers/test/events'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'
import { type ConnectedAccount, connectAccount, fetchHook, PUBLIC_URL } from '../../../test/provider-hooks.ts'

let api: TestApi
const accounts: ConnectedAccount[] = []
beforeAll(async () => {
  api = await startTestApi({
    egressAllow: ['127.0.0.1'],
    publicUrl: PUBLIC_URL,
    hookRequest: playCertificates().request,
  })
})
afterAll(() => api.close())
afterEach(async () => {
  for (const { peer } of accounts.splice(0)) await peer.close()
})

async function connect(provider: string): Promise<ConnectedAccount> {
  const account = await connectAccount(api, provider)
  accounts.push(account)
  return account
}

function callsOf({ id, tenant }: ConnectedAccount, at = api) {
  const path = `/v1/connections/${id}/register-events`
  const key = tenant.liveKey
  return {
    register: (body: object = {}) => at.call('POST', path, { body, key }),
    rotate: (body: object = {}) => at.call('POST', `${path}/rotate`, { body, key }),
    read: () => at.call('GET', path, { key }),
    undo: () => at.call('DELETE', path, { key }),
    deleteConnection: () => at.call('DELETE', `/v1/connections/${id}`, { key }),
  }
}

describe.each(Object.keys(await loadAccounts()))('registering a connection to %s', (provider) => {
  it('makes its events come in; a repeat makes no second webhook and keeps the URL', async () => {
    const account = await connect(provider)
    const { register, read } = callsOf(account)
    expect((await read()).json).toMatchObject({ registered: false, url: null, refused: 0 })
    const first = await register()
    expect(first).toMatchObject({ status: 200, json: { registered: true, problem: null, steps: [] } })
    const url = String(first.json.url)
    expect(url).toMatch(new RegExp(`^${PUBLIC_URL}/v1/hooks/${provider}/${account.id}/[\\w-]{32}$`))
    expect(account.api.urls()).toEqual([url])
    expect((await account.send(url)).status).toBe(200)
    expect((await register()).json).toMatchObject({ registered: true, url })
    expect(account.api.urls()).toEqual([url])
    expect((await account.send(url)).status).toBe(200)
    expect((await read()).json).toMatchObject({ registered: true, url, registered_at: expect.any(String) })
  })

  it('that refuses answers the problem, the URL and the steps, and a later call goes on', async () => {
    const account = await connect(provider)
    const { register } = callsOf(account)
    account.refuse([403, { message: 'permission denied' }])
    const refused = await register()
    expect(refused).toMatchObject({
      status: 200,
      json: {
        registered: false,
        problem: { code: expect.stringMatching(/^provider-/), help: expect.any(String) },
      },
    })
    expect(String(refused.json.steps)).toContain(String(refused.json.url))
    account.refuse(null)
    expect((await register()).json).toMatchObject({ registered: true, url: refused.json.url, problem: null })
  })

  it('and rotating it gives a fresh URL, while that of before stays good for a day', async () => {
    const account = await connect(provider)
    const { register, rotate, read } = callsOf(account)
    const before = String((await register()).json.url)
    // As the provider sent it before it heard of the rotation.
    const late = account.post(before, Object.values(readFixtures(provider))[0])
    const rotated = await rotate()
    const url = String(rotated.json.url)
    expect(rotated.json).toMatchObject({ registered: true, problem: null })
    expect(url).not.toBe(before)
    expect(account.api.urls()).toContain(url)
    expect((await account.send(url)).status).toBe(200)
    expect((await account.send(before, { change: () => late })).status).toBe(200)
    const ends = Date.parse(String((await read()).json.old_urls_until))
    expect(ends).toBeGreaterThan(Date.now() + 23 * 3_600_000)
    expect(ends).toBeLessThan(Date.now() + 25 * 3_600_000)
  })

  it('keeps the tokens of its URLs out of the database, its log of changes and what is exported of them', async () => {
    const account = await connect(provider)
    const { register, rotate } = callsOf(account)
    const urls = [await register(), await rotate(), await rotate()].map(({ json }) => String(json.url))
    const { rows } = await api.db.pool.query<{ line: string }>({
      text: 'select h::text as line from hook h union all select a::text from audit_log a',
    })
    const text = rows.map(({ line }) => line).join('\n')
    expect(text).toContain('registered_at')
    for (const url of urls) expect(text).not.toContain(url.split('/').at(-1))
  })

  it('and undoing it removes the webhook, and takes late events', async () => {
    const account = await connect(provider)
    const { register, undo, read } = callsOf(account)
    account.api.add('https://other.example/hook')
    const url = String((await register()).json.url)
    const late = account.post(url, Object.values(readFixtures(provider))[0])
    expect((await undo()).json).toMatchObject({ registered: false, url: null, problem: null })
    expect(account.api.urls()).toEqual(['https://other.example/hook'])
    expect((await account.send(url, { change: () => late })).status).toBe(200)
    expect((await undo()).json).toMatchObject({ registered: false, problem: null })
    expect((await read()).json).toMatchObject({ registered: false, url: null })
    const again = await register()
    expect(again.json).toMatchObject({ registered: true })
    expect(again.json.url).not.toBe(url)
  })

  it('and deleting the connection removes the webhook', async () => {
    const account = await connect(provider)
    const { register, deleteConnection } = callsOf(account)
    const url = String((await register()).json.url)
    expect((await deleteConnection()).status).toBe(200)
    await expect.poll(() => account.api.urls(), { timeout: 10_000 }).toEqual([])
    // Processes that know the URL still forget it within seconds.
    const statusOf = async () => (await fetchHook(api, url)).status
    await expect.poll(statusOf, { timeout: 10_000 }).toBe(404)
  })
})

describe('a person who registers the URL', () => {
  it('gets URL and steps, stores the secrets, and events come in', async () => {
    const account = await connect('mailgun')
    const { register } = callsOf(account)
    const steps = await register({ manual: true })
    expect(steps.json).toMatchObject({ registered: false, problem: null })
    expect(String(steps.json.steps)).toContain(String(steps.json.url))
    expect(account.peer.got).toEqual([])
    const url = String(steps.json.url)
    expect((await account.send(url)).status).toBe(401)
    expect((await register({ secrets: { signing_key: 'key-of-webhooks-0' } })).json).toMatchObject({ url })
    expect((await account.send(url)).status).toBe(200)
    expect(account.peer.got).toEqual([])
  })

  it('names the secret that is missing, or that has no meaning', async () => {
    const mailgun = callsOf(await connect('mailgun'))
    const wrong = await mailgun.register({ secrets: { key: 'canary' } })
    expect(wrong).toMatchObject({ status: 422, json: { code: 'validation-failed' } })
    expect(wrong.text).toContain('#/secrets/signing_key')
    expect(wrong.text).not.toContain('canary')
    const postmark = callsOf(await connect('postmark'))
    expect(await postmark.register({ secrets: { password: 'a'.repeat(20) } })).toMatchObject({ status: 422 })
  })
})

describe('what cannot be registered', () => {
  it.each(['capture', 'direct', 'smtp'])('%s is answered with what there is instead', async (provider) => {
    const settings = {
      capture: {},
      direct: { helo_name: 'mail.acme.example' },
      smtp: { host: '127.0.0.1', port: 2525, tls: 'none', allow_insecure: true },
    }[provider]
    const { json, text } = await api.call('POST', '/v1/connections', {
      body: { provider, name: 'x', settings },
    })
    expect(json.id, text).toBeDefined()
    for (const [method, body] of [
      ['POST', {}],
      ['GET', undefined],
      ['DELETE', undefined],
    ] as const) {
      const answer = await api.call(method, `/v1/connections/${json.id}/register-events`, { body })
      expect(answer).toMatchObject({ status: 409, json: { code: 'wrong-state' } })
      expect(answer.text).toMatch(provider === 'capture' ? /final/ : /come back as mail/)
    }
  })

  it('without a public address nobody is given a URL', async () => {
    const nameless = await startTestApi({ egressAllow: ['127.0.0.1'] })
    const account = await connectAccount(nameless, 'postmark')
    const answer = await callsOf(account, nameless).register()
    expect(answer).toMatchObject({ status: 409, json: { code: 'wrong-state' } })
    expect(answer.text).toContain('LETTERGATE_PUBLIC_URL')
    expect(account.peer.got).toEqual([])
    await account.peer.close()
    await nameless.close()
  })
})

it('rotations while events come in refuse none of them', async () => {
  const account = await connect('postmark')
  const { register, rotate } = callsOf(account)
  let url = String((await register()).json.url)
  const statuses: number[] = []
  let isDone = false
  const sending = Array.from({ length: 8 }, async () => {
    while (!isDone) statuses.push((await account.send(url)).status)
  })
  for (let round = 0; round < 4; round++) {
    url = String((await rotate()).json.url)
    const before = statuses.length
    await expect.poll(() => statuses.length, { timeout: 10_000 }).toBeGreaterThan(before + 16)
  }
  isDone = true
  await Promise.all(sending)
  expect(new Set(statuses)).toEqual(new Set([200]))
})

it('a rotation that the provider refuses leaves the URL of before in use, without an end', async () => {
  const account = await connect('brevo')
  const { register, rotate, read } = callsOf(account)
  const url = String((await register()).json.url)
  account.refuse([500, {}])
  expect((await rotate()).json).toMatchObject({ problem: { code: expect.any(String) } })
  account.refuse(null)
  expect((await read()).json).toMatchObject({ registered: true, url, old_urls_until: null })
  expect((await account.send(url)).status).toBe(200)
})

it('neither answers nor the database show a secret of the events', async () => {
  const account = await connect('postmark')
  const { register, read } = callsOf(account)
  await register()
  const given = account.peer.got.findLast(({ body }) => body.includes('HttpAuth'))
  const { Password } = JSON.parse(given?.body ?? '{}').HttpAuth
  expect(Password).toMatch(/^[\w-]{32}$/)
  expect((await read()).text).not.toContain(Password)
  const { rows } = await api.db.pool.query('select h::text as text from hook h')
  expect(rows.map(({ text }) => text).join()).not.toContain(Buffer.from(Password).toString('hex'))
})
