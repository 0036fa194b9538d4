import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { createProviders } from '@lettergate/providers/registry'
import { playCertificates, topicOf } from '@lettergate/providers/ses/test/account'
import { loadAccounts } from '@lettergate/providers/test/event-account'
import { readFixtures } from '@lettergate/providers/test/events'
import { signNotification } from '@lettergate/providers/test/sns'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi, type TestTenant } from '../../../test/api.ts'
import {
  type ConnectedAccount,
  connectAccount,
  fetchHook,
  PUBLIC_URL,
  registerAccount,
} from '../../../test/provider-hooks.ts'

type Account = ConnectedAccount & { url: string }

let api: TestApi
const certificates = playCertificates()
const accounts: Account[] = []
beforeAll(async () => {
  api = await startTestApi({
    egressAllow: ['127.0.0.1'],
    publicUrl: PUBLIC_URL,
    hookRequest: certificates.request,
  })
})
afterAll(() => api.close())
afterEach(async () => {
  for (const { peer } of accounts.splice(0)) await peer.close()
})

async function register(provider: string, tenant?: TestTenant): Promise<Account> {
  const account = await registerAccount(api, provider, tenant)
  accounts.push(account)
  return account
}

type Kept = {
  tenant_id: string
  provider: string
  headers: Record<string, string>
  body: Buffer
  due: number
}

/** Requests of a connection that were kept, in order, and how many of each are to be applied. */
async function keptOf({ id }: { id: string }): Promise<Kept[]> {
  const { rows } = await api.db.pool.query<Kept>({
    text: `
      select e.tenant_id, e.provider, e.headers, e.body,
             (select count(*)::int4 from provider_event_due d where d.id = e.id and d.received_at = e.received_at) as due
      from provider_event e where e.connection_id = $1 order by e.id`,
    values: [fromPublicId('con', id)],
  })
  return rows
}

const eventAccounts = await loadAccounts()
const providers = Object.keys(eventAccounts)
const refusal = { status: 401 }

describe.each(providers)('events of %s', (provider) => {
  it('are kept byte for byte for the tenant of the connection, and are due to be applied', async () => {
    const account = await register(provider)
    const event = Object.values(readFixtures(provider))[0]
    const sent = account.post(account.url, event)
    const answer = await account.send(account.url, { change: () => sent })
    expect(answer.status).toBe(200)
    const kept = await keptOf(account)
    expect(kept).toMatchObject([{ tenant_id: account.tenant.tenantId, provider, due: 1 }])
    expect(kept[0]?.body.equals(sent.body)).toBe(true)
    const events = Object.values(createProviders()).find(({ id }) => id === provider)?.events
    const hook = { url: account.url, headers: kept[0]?.headers ?? {}, body: kept[0]?.body ?? Buffer.alloc(0) }
    const [reading] = events?.parse(hook, new Date()) ?? []
    expect(reading?.events.length).toBeGreaterThan(0)
  })

  it('keep no password or authorization', async () => {
    const account = await register(provider)
    const headers = { cookie: 'canary=1', 'x-lettergate-secret': 'canary', 'x-other': 'kept' }
    const change: Parameters<Account['send']>[1] = {
      change: (request) => ({ ...request, headers: { ...headers, ...request.headers } }),
    }
    expect((await account.send(account.url, change)).status).toBe(200)
    const [kept] = await keptOf(account)
    expect(kept?.headers).toMatchObject({ 'x-other': 'kept' })
    expect(Object.keys(kept?.headers ?? {})).not.toContain('authorization')
    expect(JSON.stringify(kept?.headers)).not.toMatch(/canary|Bearer|Basic/)
  })

  it('with a wrong secret are refused, and kept nowhere', async () => {
    const account = await register(provider)
    expect(await account.send(account.url, { wrong: true })).toMatchObject(refusal)
    expect(await keptOf(account)).toEqual([])
  })

  it('at the URL of another tenant’s connection are refused', async () => {
    const other = await register(provider)
    const account = await register(provider)
    // Providers that sign by an account's key know nothing of tenants: the URL is then all that tells them apart.
    const isSharedKey = ['mailgun', 'mandrill', 'resend', 'sendgrid'].includes(provider)
    const sent = account.post(account.url, Object.values(readFixtures(provider))[0])
    const answer = await fetchHook(api, other.url, {
      method: 'POST',
      headers: sent.headers,
      body: new Uint8Array(sent.body),
    })
    if (!isSharedKey || provider === 'mandrill') expect(answer).toMatchObject(refusal)
    expect(await keptOf(account)).toEqual([])
    const swapped = account.url.replace(/[^/]+$/, other.url.split('/').at(-1) ?? '')
    expect((await account.send(account.url, { change: () => sent })).status).toBe(200)
    expect((await fetchHook(api, swapped, { method: 'POST', headers: sent.headers, body: 'x' })).status).toBe(
      404,
    )
  })

  it('that are too long are refused before they are read', async () => {
    const account = await register(provider)
    const events = Object.values(createProviders()).find(({ id }) => id === provider)?.events
    const body = Buffer.alloc((events?.bodyBytesMax ?? 0) + 1, ' ')
    const answer = await account.send(account.url, { change: ({ headers }) => ({ headers, body }) })
    expect(answer.status).toBe(413)
    expect(await keptOf(account)).toEqual([])
  })

  it('without a body are refused or a probe, and nothing is kept', async () => {
    const account = await register(provider)
    const body = Buffer.alloc(0)
    const answer = await account.send(account.url, { change: ({ headers }) => ({ headers, body }) })
    expect([200, 401]).toContain(answer.status)
    expect(await keptOf(account)).toEqual([])
  })
})

const providersWhere = (has: 'coversBody' | 'hasTime') =>
  providers.filter((provider) => eventAccounts[provider]?.[has])

describe.each(providersWhere('coversBody'))('events of %s, whose signature covers the body,', (provider) => {
  it('with one altered byte are refused', async () => {
    const account = await register(provider)
    const answer = await account.send(account.url, {
      change({ headers, body }) {
        const altered = Buffer.from(body)
        const at = Math.floor(altered.length / 2)
        altered[at] = (altered[at] ?? 0) ^ 1
        return { headers, body: altered }
      },
    })
    expect(answer).toMatchObject(refusal)
    expect(await keptOf(account)).toEqual([])
  })
})

describe.each(providersWhere('hasTime'))('events of %s, whose signature has a time,', (provider) => {
  it('of an old time are refused', async () => {
    const account = await register(provider)
    const at = new Date(Date.now() - 48 * 3_600_000)
    expect(await account.send(account.url, { at })).toMatchObject(refusal)
    expect(await keptOf(account)).toEqual([])
  })
})

describe('the URL of a connection', () => {
  const post = (url: string) => fetchHook(api, url, { method: 'POST', body: '{}' })

  it('answers the same bytes whatever part of it is wrong', async () => {
    const { url, id } = await register('postmark')
    const other = await register('brevo')
    const wrong = [
      url.replace(/[^/]+$/, 'a'.repeat(32)),
      url.replace(/[^/]+$/, 'x'),
      url.replace(id, other.id),
      url.replace(id, `con_${'0'.repeat(26)}`),
      url.replace(id, 'nonsense'),
      url.replace('/postmark/', '/brevo/'),
      url.replace('/postmark/', '/constructor/'),
      url.replace('/postmark/', '/smtp/'),
    ]
    const texts = await Promise.all(
      wrong.map(async (one) => {
        const answer = await post(one)
        const text = (await answer.text()).replaceAll(/req_\w+|"instance":"[^"]*"/g, '')
        return `${answer.status} ${text}`
      }),
    )
    expect(texts[0]).toMatch(/^404 /)
    expect(new Set(texts).size).toBe(1)
  })

  it('answers HEAD and GET, by which providers try it, only if it is right', async () => {
    const { url } = await register('mandrill')
    for (const method of ['HEAD', 'GET']) {
      expect((await fetchHook(api, url, { method })).status).toBe(200)
      expect((await fetchHook(api, `${url}x`, { method })).status).toBe(404)
    }
  })

  it('answers the test of Mandrill, which is signed by no key yet', async () => {
    const account = await register('mandrill')
    const body = new URLSearchParams({ mandrill_events: '[]' })
    expect((await fetchHook(api, account.url, { method: 'POST', body })).status).toBe(200)
    expect(await keptOf(account)).toEqual([])
  })

  it('takes a body of any type, and none that is compressed', async () => {
    const account = await register('postmark')
    const withType = (type: Record<string, string>) =>
      account.send(account.url, {
        change: ({ headers, body }) => ({ headers: { ...headers, ...type }, body }),
      })
    for (const type of [
      'text/plain; charset=UTF-8',
      'application/json',
      'x/y',
      'application/x-www-form-urlencoded',
    ])
      expect((await withType({ 'content-type': type })).status).toBe(200)
    expect((await withType({ 'content-encoding': 'gzip' })).status).toBe(415)
    expect(await keptOf(account)).toHaveLength(4)
  })

  it('works in another process within its next request after a rotation there', async () => {
    const account = await register('postmark')
    const other = await startTestApi({
      through: async () => api.db.url,
      egressAllow: ['127.0.0.1'],
      publicUrl: PUBLIC_URL,
    })
    try {
      const sendThere = (url: string) => {
        const { headers, body } = account.post(url, { RecordType: 'Delivery' })
        return fetchHook(other, url, { method: 'POST', headers, body: new Uint8Array(body) })
      }
      expect((await sendThere(account.url)).status).toBe(200)
      const path = `/v1/connections/${account.id}/register-events/rotate`
      const { json } = await api.call('POST', path, { body: {}, key: account.tenant.liveKey })
      expect(json).toMatchObject({ registered: true })
      expect(json.url).not.toBe(account.url)
      expect((await sendThere(String(json.url))).status).toBe(200)
      expect((await sendThere(account.url)).status).toBe(200)
    } finally {
      await other.close()
    }
  })

  it('takes 2,000 requests at the same time: each is answered, and what was answered 200 is kept', async () => {
    const account = await register('sendgrid')
    const { headers, body } = account.post(account.url, { event: 'delivered', padding: 'x'.repeat(1_000) })
    const answers = await Promise.all(
      Array.from({ length: 2_000 }, () =>
        fetchHook(api, account.url, { method: 'POST', headers, body: new Uint8Array(body) }).then(
          async (answer) => {
            await answer.text()
            return answer.status
          },
        ),
      ),
    )
    expect(answers.filter((status) => status !== 200 && status !== 503)).toEqual([])
    expect(await keptOf(account)).toHaveLength(answers.filter((status) => status === 200).length)
    expect(answers.filter((status) => status === 200).length).toBeGreaterThan(1_000)
  }, 60_000)
})

it('what was refused, and when the last event came, is shown to the tenant', async () => {
  const account = await register('brevo')
  for (let times = 0; times < 3; times++) await account.send(account.url, { wrong: true })
  const path = `/v1/connections/${account.id}/register-events`
  const read = () => api.call('GET', path, { key: account.tenant.liveKey })
  await expect.poll(async () => (await read()).json.refused, { timeout: 10_000 }).toBe(3)
  expect((await read()).json).toMatchObject({
    last_refusal: expect.any(String),
    last_refused_at: expect.any(String),
    last_event_at: null,
  })
})

it('events that come before the key of their signature was stored are refused, and the tenant sees that it is missing', async () => {
  const account = await connectAccount(api, 'sendgrid')
  accounts.push({ ...account, url: '' })
  const path = `/v1/connections/${account.id}/register-events`
  const { liveKey: key } = account.tenant
  const { json } = await api.call('POST', path, { body: { manual: true }, key })
  expect(await account.send(String(json.url))).toMatchObject(refusal)
  const lastRefusal = async () => (await api.call('GET', path, { key })).json.last_refusal
  await expect.poll(lastRefusal, { timeout: 10_000 }).toMatch(/no secret/)
})

it('an error answer does not repeat the secret part of the URL', async () => {
  const { url } = await register('postmark')
  const answer = await fetchHook(api, url, { method: 'POST', body: '{}' })
  expect(answer.status).toBe(401)
  expect(await answer.text()).not.toContain(url.split('/').at(-1))
})

describe('a subscription of SNS', () => {
  async function confirmWith(account: Account, topic: string): Promise<number> {
    const { headers, body } = signNotification(
      'You have chosen to subscribe',
      { secret: 0, at: new Date() },
      {
        Type: 'SubscriptionConfirmation',
        TopicArn: topic,
        Token: 'token-of-sns',
        SubscribeURL: 'https://attacker.example/',
      },
    )
    const answer = await fetchHook(api, account.url, {
      method: 'POST',
      headers: { 'x-amz-sns-message-type': headers['x-amz-sns-message-type'] ?? '' },
      body: new Uint8Array(body),
    })
    return answer.status
  }

  it('is confirmed for the topic of the connection alone, by an address that is not taken from the message', async () => {
    const account = await register('ses')
    const topic = topicOf(fromPublicId('con', account.id) ?? '')
    expect(await confirmWith(account, topicOf('other'))).toBe(401)
    expect(certificates.confirmed).toEqual([])
    expect(await confirmWith(account, topic)).toBe(200)
    expect(certificates.confirmed).toEqual([
      `https://sns.eu-west-1.amazonaws.com/?${new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: topic, Token: 'token-of-sns' })}`,
    ])
    expect(await keptOf(account)).toEqual([])
  })
})

describe('a request whose answer is lost', () => {
  it('after the commit is repeated by the provider, and kept twice', async () => {
    const dying = await startTestApi({
      egressAllow: ['127.0.0.1'],
      publicUrl: PUBLIC_URL,
      failpoint: 'after_provider_event_commit:throw:1/1',
    })
    const account = await registerAccount(dying, 'postmark')
    try {
      const again = async () => (await account.send(account.url)).status
      expect([await again(), await again()]).toEqual([503, 503])
      const { rows } = await dying.db.pool.query('select count(*)::int4 as n from provider_event')
      expect(rows).toEqual([{ n: 2 }])
    } finally {
      await account.peer.close()
      await dying.close()
    }
  })
})

it('each verdict is counted in the metrics', async () => {
  const account = await register('resend')
  await account.send(account.url)
  await account.send(account.url, { wrong: true })
  const text = await (await fetch(`${api.server.metricsUrl}/metrics`)).text()
  for (const verdict of ['verified', 'refused'])
    expect(text).toContain(
      `lettergate_provider_events_received_total{provider="resend",verdict="${verdict}"}`,
    )
})
