import { createHash, randomUUID } from 'node:crypto'
import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'
import { runDataTurn } from '@lettergate/core/data-life'
import { noFailpoint } from '@lettergate/core/lib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

const message = { from: 'app@acme.example', to: 'user@example.net', subject: 'Hi', text: 'The body' }

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

/** As a worker would, with no wait between the stages of a deletion. */
async function runJobs(): Promise<void> {
  const deps = {
    pool: api.db.batch,
    failpoint: noFailpoint,
    waits: { keysMs: 0, lateMs: 0 },
    onError(error: unknown) {
      throw error
    },
  }
  while (await runDataTurn(deps));
}

it('a tenant exports its data, and reads the same bytes each time', async () => {
  const { json: sent } = await api.call('POST', '/v1/send', { body: message })
  const started = await api.call('POST', '/v1/export', { body: { content: true } })
  expect(started).toMatchObject({ status: 202, json: { kind: 'export', state: 'waiting', result: null } })
  const early = await api.call('GET', `/v1/export/${started.json.id}/file`)
  expect(early).toMatchObject({ status: 409, json: { code: 'wrong-state' } })
  await runJobs()
  const { json: job } = await api.call('GET', `/v1/export/${started.json.id}`)
  expect(job).toMatchObject({ state: 'done', counts: { message: 1, recipient: 1 } })
  const [first, second] = [
    await api.call('GET', String(job.result)),
    await api.call('GET', String(job.result)),
  ]
  expect(first.headers.get('content-type')).toContain('application/x-ndjson')
  expect(second.text).toBe(first.text)
  expect(first.text).toContain(String(sent.id))
  expect(first.text).toContain('The body')
})

it('an erasure is a receipt without the address; the content of its messages is expired', async () => {
  const { json: sent } = await api.call('POST', '/v1/send', { body: { ...message, to: 'Ann@example.net' } })
  const { status, json: started } = await api.call('POST', '/v1/erasures', {
    body: { address: 'ANN@example.net', reason: 'request 4711' },
  })
  expect([status, started.kind]).toEqual([202, 'erasure'])
  await runJobs()
  const { json: receipt, text } = await api.call('GET', `/v1/erasures/${started.id}`)
  const hash = createHash('sha256').update('ann@example.net').digest('hex')
  expect(receipt).toMatchObject({
    state: 'done',
    address_sha256: hash,
    reason: 'request 4711',
    counts: { recipient: 1 },
  })
  expect(text.toLowerCase()).not.toContain('ann@')
  const after = await api.call('GET', `/v1/messages/${sent.id}`)
  expect(after.json).toMatchObject({ status: 'cancelled' })
  expect(after.text.toLowerCase()).not.toContain('ann@')
  const raw = await api.call('GET', `/v1/messages/${sent.id}/raw`)
  expect(raw).toMatchObject({ status: 410, json: { code: 'content-expired' } })
  const list = await api.call('GET', '/v1/messages?to=ann@example.net')
  expect(list.json).toMatchObject({ data: [] })
})

it('a message whose content is expired is not retried', async () => {
  const { json: sent } = await api.call('POST', '/v1/send', { body: message })
  const id = fromPublicId('msg', String(sent.id))
  await api.db.pool.query({ text: 'delete from outbox where message_id = $1', values: [id] })
  await api.db.pool.query({
    text: `update recipient set status = 'failed' where message_id = $1`,
    values: [id],
  })
  await api.db.pool.query({ text: 'delete from message_content where message_id = $1', values: [id] })
  const answer = await api.call('POST', `/v1/messages/${sent.id}/retry`)
  expect(answer).toMatchObject({ status: 410, json: { code: 'content-expired' } })
})

it('the operator exports, erases and deletes; a deletion needs the name, and its receipt stays', async () => {
  const key = await api.addAdminKey()
  const { tenantId, liveKey } = await api.addTenant()
  const { rows } = await api.db.pool.query({
    text: 'select name from tenant where id = $1',
    values: [tenantId],
  })
  await api.call('POST', '/v1/send', { key: liveKey, body: message })
  const path = `/v1/admin/tenants/${toPublicId('ten', tenantId)}`
  const { json: wish } = await api.call('POST', `${path}/export`, { key, body: {} })
  await runJobs()
  const { json: done } = await api.call('GET', `/v1/admin/data-jobs/${wish.id}`, { key })
  expect((await api.call('GET', String(done.result), { key })).text).toContain('user@example.net')
  const erased = await api.call('POST', '/v1/admin/erasures', { key, body: { address: 'user@example.net' } })
  expect(erased).toMatchObject({ status: 202, json: { tenant_id: null } })
  const wrong = await api.call('DELETE', path, { key, body: { confirm: 'wrong' } })
  expect(wrong).toMatchObject({ status: 422, json: { code: 'validation-failed' } })
  const never = `/v1/admin/tenants/${toPublicId('ten', randomUUID())}`
  expect(await api.call('DELETE', never, { key, body: { confirm: 'wrong' } })).toMatchObject({ status: 404 })
  const started = await api.call('DELETE', path, { key, body: { confirm: rows[0]?.name } })
  expect(started.status).toBe(202)
  await runJobs()
  const receipt = await api.call('GET', `/v1/admin/data-jobs/${started.json.id}`, { key })
  expect(receipt.json).toMatchObject({ kind: 'deletion', state: 'done', counts: { message: 1, tenant: 1 } })
})
