import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const message = {
  from: 'app@acme.example',
  to: ['Ann@example.net', 'ben@example.net'],
  subject: 'Hello',
  text: 'Hi',
}

/** A message as a worker leaves it after an answer that never came. */
async function sendUnknown(): Promise<string> {
  const id = String((await api.call('POST', '/v1/send', { body: message })).json.id)
  const values = [fromPublicId('msg', id)]
  await api.db.pool.query({ text: `update recipient set status = 'unknown' where message_id = $1`, values })
  await api.db.pool.query({ text: 'delete from outbox where message_id = $1', values })
  return id
}

const resolve = (id: string, recipient: string, outcome: string) =>
  api.call('POST', `/v1/messages/${id}/resolve`, { body: { recipient, outcome } })

async function used(): Promise<number> {
  const { rows } = await api.db.pool.query<{ used: number }>({
    text: 'select sum(accepted)::int4 as used from usage',
  })
  return rows[0]?.used ?? 0
}

test('an unknown outcome becomes what a person says, and its events show it', async () => {
  const id = await sendUnknown()
  expect(await resolve(id, 'ann@example.net', 'sent')).toMatchObject({
    status: 200,
    json: { id, recipients: [{ status: 'sent' }, { status: 'unknown' }] },
  })
  expect(await resolve(id, 'ben@example.net', 'delivered')).toMatchObject({
    status: 200,
    json: { recipients: [{ status: 'sent' }, { status: 'delivered' }] },
  })
  const { json } = await api.call('GET', `/v1/messages/${id}/events`)
  expect(json.data).toMatchObject([
    { type: 'message.accepted' },
    { type: 'recipient.sent', recipient: 'Ann@example.net' },
    { type: 'recipient.delivered', recipient: 'ben@example.net' },
  ])
})

test('a message that was not sent has failed, is not counted any more, and can be retried, which counts it again', async () => {
  const id = await sendUnknown()
  const before = await used()
  expect(await resolve(id, 'ben@example.net', 'not_sent')).toMatchObject({
    status: 200,
    json: { recipients: [{ status: 'unknown' }, { status: 'failed' }] },
  })
  expect(await used()).toBe(before - 1)
  await resolve(id, 'ann@example.net', 'delivered')
  expect(await api.call('POST', `/v1/messages/${id}/retry`)).toMatchObject({
    status: 200,
    json: { recipients: [{ status: 'delivered' }, { status: 'queued' }] },
  })
  expect(await used()).toBe(before)
})

test('only an unknown outcome can be resolved, and once, also by two people at the same time', async () => {
  const id = await sendUnknown()
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, index) => resolve(id, 'ann@example.net', index % 2 ? 'not_sent' : 'sent')),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409])
  const { json } = await api.call('GET', `/v1/messages/${id}/events`)
  expect(json.data).toHaveLength(2)
  const queued = String((await api.call('POST', '/v1/send', { body: message })).json.id)
  expect(await resolve(queued, 'ann@example.net', 'sent')).toMatchObject({
    status: 409,
    json: { code: 'wrong-state', detail: expect.stringContaining('queued') },
  })
})

test('a recipient that the message does not have, or an unknown word, is refused by name', async () => {
  const id = await sendUnknown()
  expect(await resolve(id, 'eve@example.net', 'sent')).toMatchObject({
    status: 422,
    json: { code: 'validation-failed', errors: [{ pointer: '#/recipient' }] },
  })
  expect(await resolve(id, 'ann@example.net', 'lost')).toMatchObject({
    status: 422,
    json: { errors: [{ pointer: '#/outcome' }] },
  })
})
