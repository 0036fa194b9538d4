import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi({
    egressAllow: ['10.0.0.0/8:8025'],
    egressResolve: async (name) =>
      name === 'inner.example.com' ? ['10.0.0.1'] : name === 'none.example.com' ? [] : ['8.8.8.8'],
  })
})
afterAll(() => api.close())

const onPlan = async (plan: string, extra: object[] = []) => {
  const tenant = await api.addTenant()
  await api.db.pool.query({
    text: 'update tenant set plan = $2, egress_extra = $3 where id = $1',
    values: [tenant.tenantId, plan, JSON.stringify(extra)],
  })
  return { ...tenant, key: tenant.liveKey }
}
const attempt = async (key: string, host: string, port: number, protocol?: string) =>
  (await api.call('POST', '/v1/egress/try', { key, body: { host, port, ...(protocol && { protocol }) } }))
    .json
const connection = (host: string, port = 587) => ({
  provider: 'smtp',
  name: 'Relay',
  settings: { host, port },
})

test('the verdict names the rule that decides, for each plan', async () => {
  const free = await onPlan('free')
  const paid = await onPlan('standard')
  const extra = await onPlan('free', [{ protocols: ['https'], hosts: ['*.acme.example'], ports: [8443] }])
  const cases = [
    [free, 'api.sendgrid.com', 443, 'https', true, 'plan/0'],
    [free, 'smtp.gmail.com', 587, 'smtp', true, 'plan/1'],
    [free, 'smtp.gmail.com', 2525, 'smtp', false, 'plan'],
    [free, 'evil.example.com', 443, 'https', false, 'plan'],
    [free, '8.8.8.8', 443, 'https', false, 'plan'],
    [free, '10.0.0.1', 8025, 'http', true, 'operator-list'],
    [free, 'inner.example.com', 8025, 'http', true, 'operator-list'],
    [free, '10.0.0.1', 25, 'smtp', false, 'special-addresses'],
    [paid, 'evil.example.com', 443, 'https', true, 'public-internet'],
    [paid, 'evil.example.com', 8443, 'https', false, 'usual-ports'],
    [paid, 'inner.example.com', 443, 'https', false, 'special-addresses'],
    [paid, 'none.example.com', 443, 'https', false, 'unresolved'],
    [extra, 'hooks.acme.example', 8443, 'https', true, 'tenant/0'],
    [extra, 'acme.example', 8443, 'https', false, 'plan'],
  ] as const
  for (const [{ key }, host, port, protocol, allowed, rule] of cases) {
    expect([host, port, await attempt(key, host, port, protocol)]).toMatchObject([
      host,
      port,
      { allowed, rule },
    ])
  }
})

test('a connection, an endpoint and a callback URL outside the plan are refused when they are saved, with what to do', async () => {
  const { key } = await onPlan('free')
  const saved = await api.call('POST', '/v1/connections', {
    key,
    body: { ...connection('mail.example.com'), credentials: {} },
  })
  expect(saved).toMatchObject({ status: 422 })
  expect(saved.text).toContain(
    'The plan free may not reach mail.example.com on port 587 by smtp. GET /v1/egress lists',
  )
  const endpoint = await api.call('POST', '/v1/endpoints', {
    key,
    body: { url: 'https://app.example.com/hook' },
  })
  expect(endpoint.json).toMatchObject({ code: 'url-not-allowed' })
  const message = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }
  const sent = await api.call('POST', '/v1/send', {
    key,
    body: { ...message, callback_url: 'https://app.example.com/hook' },
  })
  // Networks that the operator lists hold on port 8025 alone, so the name decides here.
  expect(sent.json).toMatchObject({ code: 'url-not-allowed' })
  expect((await api.call('POST', '/v1/send', { key, body: message })).status).toBe(202)
})

test('another plan holds within five seconds, without a restart', async () => {
  const { key, tenantId } = await onPlan('free')
  const ask = async () => (await attempt(key, 'app.example.com', 443, 'https')).allowed
  expect(await ask()).toBe(false)
  await api.db.pool.query({ text: `update tenant set plan = 'standard' where id = $1`, values: [tenantId] })
  await expect.poll(ask, { timeout: 5_000, interval: 200 }).toBe(true)
  await api.db.pool.query({ text: `update tenant set plan = 'free' where id = $1`, values: [tenantId] })
  await expect.poll(ask, { timeout: 5_000, interval: 200 }).toBe(false)
})

test('the public page names the host to allow, and repeats nothing that could run', async () => {
  const page = await api.call('GET', '/egress', { key: null })
  expect(page.status).toBe(200)
  expect(page.text).toContain(`<pre>${new URL(api.url).host}</pre>`)
  expect(page.text).toContain('api.eu.mailgun.net')
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
})

test('GET /v1/egress shows the rules of the plan and what the operator added', async () => {
  const rule = { protocols: ['https'], hosts: ['app.acme.example'] }
  const { key } = await onPlan('free', [rule])
  const { json } = await api.call('GET', '/v1/egress', { key })
  expect(json).toMatchObject({ plan: 'free', extra: [rule], usual_ports: { https: [443] } })
  expect(json.provider_hosts).toContain('api.sendgrid.com')
  expect((await api.call('GET', '/v1/egress')).json).toMatchObject({ plan: 'standard', rules: null })
})
