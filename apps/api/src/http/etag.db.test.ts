import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApi, type TestApi } from '../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

test('a read that its client has already is answered 304 without a body, until something changes', async () => {
  const tenant = await api.addTenant()
  const list = (headers = {}) => api.call('GET', '/v1/suppressions', { key: tenant.liveKey, headers })
  const first = await list()
  const etag = first.headers.get('etag') ?? ''
  expect(etag).toMatch(/^"[\w-]{22}"$/)
  const same = await list({ 'if-none-match': `W/"other", ${etag}` })
  expect(same).toMatchObject({ status: 304, text: '' })
  expect(same.headers.get('etag')).toBe(etag)
  expect(same.headers.get('content-type')).toBeNull()
  const body = { suppressions: [{ address: 'ann@example.net' }] }
  await api.call('POST', '/v1/suppressions', { key: tenant.liveKey, body })
  const changed = await list({ 'if-none-match': etag })
  expect(changed.status).toBe(200)
  expect(changed.headers.get('etag')).not.toBe(etag)
})

test('a refusal and an answer to a change have no tag, and a condition does not change them', async () => {
  const tenant = await api.addTenant()
  const headers = { 'if-none-match': '*' }
  const missing = await api.call('GET', '/v1/suppressions/jobs/job_x', { key: tenant.liveKey, headers })
  expect(missing.status).toBe(404)
  expect(missing.headers.get('etag')).toBeNull()
  const body = { suppressions: [{ address: 'ann@example.net' }] }
  const added = await api.call('POST', '/v1/suppressions', { key: tenant.liveKey, body, headers })
  expect(added.status).toBe(200)
  expect(added.headers.get('etag')).toBeNull()
})
