import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const body = { from: 'a@acme.example', to: ['user@example.net'], subject: 'x', text: 'x' }

test('explains a scheduled message and one in the backlog, and answers 404 for a message of another tenant', async () => {
  const send_at = new Date(Date.now() + 3_600_000).toISOString()
  const later = await api.call('POST', '/v1/send', { body: { ...body, send_at } })
  await api.call('POST', '/v1/send', { body })
  const now = await api.call('POST', '/v1/send', { body })
  expect((await api.call('GET', `/v1/messages/${later.json.id}/explain`)).json).toMatchObject({
    status: 'scheduled',
    reasons: [{ code: 'scheduled', until: send_at, recipients: ['user@example.net'] }],
  })
  expect((await api.call('GET', `/v1/messages/${now.json.id}/explain`)).json).toMatchObject({
    reasons: [{ code: 'backlog', ahead: 1, help: null }],
  })
  const connection = await api.call('POST', '/v1/connections', {
    body: { name: 'Kept', provider: 'capture' },
  })
  const route = await api.call('POST', '/v1/routes', {
    body: { name: 'r', match: { tag: 'welcome' }, targets: [{ connection: connection.json.id }] },
  })
  const routed = await api.call('POST', '/v1/send', { body: { ...body, tags: ['welcome'] } })
  expect((await api.call('GET', `/v1/messages/${routed.json.id}/explain`)).json).toMatchObject({
    reasons: [{ code: 'backlog', detail: expect.stringContaining(`Route ${route.json.id} matches it.`) }],
  })
  const kept = await api.call('POST', '/v1/send', {
    body: { ...body, tags: ['welcome'] },
    key: api.tenant.testKey,
  })
  const { json } = await api.call('GET', `/v1/messages/${kept.json.id}/explain`, { key: api.tenant.testKey })
  expect(JSON.stringify(json.reasons).toLowerCase()).not.toContain('route')
  const { liveKey: key } = await api.addTenant()
  expect((await api.call('GET', `/v1/messages/${now.json.id}/explain`, { key })).status).toBe(404)
})
