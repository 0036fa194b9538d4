import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
let id: string
beforeAll(async () => {
  api = await startTestApi()
  const relay = { provider: 'smtp', name: 'Relay', settings: { host: 'mx.example.net', port: 587 } }
  id = String((await api.call('POST', '/v1/connections', { body: relay })).json.id)
})
afterAll(() => api.close())

const owned = () => [api.tenant.tenantId, fromPublicId('con', id)]

describe('the health of a connection', () => {
  it('is shown with the connection, alone and in the list', async () => {
    await api.db.pool.query({
      text: `insert into connection_health (tenant_id, connection_id, state, since, code, reason, paused_until, pause_reason, concurrency)
             values ($1, $2, 'open', '2026-11-20T09:30:00Z', 'provider-credentials-refused', '535 no', now() + interval '1 hour',
                     'asked to wait', 2.5)`,
      values: owned(),
    })
    const health = {
      state: 'open',
      since: '2026-11-20T09:30:00.000Z',
      code: 'provider-credentials-refused',
      reason: '535 no',
      paused_until: expect.stringMatching(/Z$/),
      concurrency: 2.5,
    }
    expect((await api.call('GET', `/v1/connections/${id}`)).json.health).toEqual(health)
    expect((await api.call('GET', '/v1/connections')).json.data).toMatchObject([{ id, health }])
  })

  it('does not show a pause that has ended', async () => {
    await api.db.pool.query({
      text: `update connection_health set state = 'closed', code = null, reason = null, paused_until = now() - interval '1 s'
             where tenant_id = $1 and connection_id = $2`,
      values: owned(),
    })
    expect((await api.call('GET', `/v1/connections/${id}`)).json.health).toMatchObject({
      state: 'closed',
      code: null,
      reason: null,
      paused_until: null,
    })
  })

  it('is listed as events, page by page', async () => {
    for (const [type, code] of [
      ['connection.unhealthy', 'provider-unreachable'],
      ['connection.healthy', null],
      ['connection.unhealthy', 'provider-unavailable'],
    ]) {
      await api.db.pool.query({
        text: 'insert into connection_event (tenant_id, connection_id, type, code, reason) values ($1, $2, $3, $4, $5)',
        values: [...owned(), type, code, code && 'no answer'],
      })
    }
    const path = `/v1/connections/${id}/events`
    const first = await api.call('GET', `${path}?limit=2`)
    expect(first.json.data).toMatchObject([
      { type: 'connection.unhealthy', code: 'provider-unreachable', reason: 'no answer', connection_id: id },
      { type: 'connection.healthy', code: null, reason: null },
    ])
    const second = await api.call('GET', `${path}?limit=2&cursor=${first.json.next_cursor}`)
    expect(second.json).toMatchObject({ data: [{ code: 'provider-unavailable' }], next_cursor: null })
    const others = await api.addTenant()
    expect((await api.call('GET', path, { key: others.liveKey })).status).toBe(404)
  })
})
