import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const message = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }
const wrongState = { status: 409, json: { code: 'wrong-state' } }

async function send(): Promise<string> {
  return String((await api.call('POST', '/v1/send', { body: message })).json.id)
}
const act = (id: string, action: 'cancel' | 'retry') => api.call('POST', `/v1/messages/${id}/${action}`)

/** The rows that a worker leaves after a final refusal. */
async function fail(id: string): Promise<void> {
  const values = [fromPublicId('msg', id)]
  await api.db.pool.query({ text: `update recipient set status = 'failed' where message_id = $1`, values })
  await api.db.pool.query({ text: 'delete from outbox where message_id = $1', values })
  await api.db.pool.query({ text: 'update usage set accepted = accepted - 1' })
}

describe('cancel and retry', () => {
  it('row 67: a message is cancelled once', async () => {
    const id = await send()
    expect(await act(id, 'cancel')).toMatchObject({ status: 200, json: { id, status: 'cancelled' } })
    expect(await act(id, 'cancel')).toMatchObject(wrongState)
    expect(await act(id, 'retry')).toMatchObject(wrongState)
  })

  it('row 67: a message being sent can be neither cancelled nor retried', async () => {
    const id = await send()
    await api.db.pool.query({
      text: `update outbox set state = 'sending' where message_id = $1`,
      values: [fromPublicId('msg', id)],
    })
    expect(await act(id, 'cancel')).toMatchObject(wrongState)
    expect(await act(id, 'retry')).toMatchObject(wrongState)
  })

  it('a failed message is queued again, and its events show the key that asked for it', async () => {
    const id = await send()
    await fail(id)
    expect(await act(id, 'retry')).toMatchObject({ status: 200, json: { id, status: 'queued' } })
    const { json } = await api.call('GET', `/v1/messages/${id}/events`)
    expect(json.data).toMatchObject([{ type: 'message.accepted' }, { type: 'recipient.retried' }])
  })

  it('a retry beyond the daily limit is refused like a send', async () => {
    const id = await send()
    await fail(id)
    await api.db.pool.query({ text: 'update usage set accepted = 100000' })
    const answer = await act(id, 'retry')
    expect(answer).toMatchObject({ status: 429, json: { code: 'quota-exceeded' } })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})
