import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi, type TestTenant } from '../../../test/api.ts'

let api: TestApi
let tenant: TestTenant
let ids: string[]

const message = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }
/** Filters that an action on many messages has, too. */
const filterOf = ({ limit: _, ...filter }: Record<string, string>) => filter
const list = (query: string, key = tenant.liveKey) => api.call('GET', `/v1/messages${query}`, { key })

async function send(change: Record<string, unknown>, key = tenant.liveKey): Promise<string> {
  return String((await api.call('POST', '/v1/send', { body: { ...message, ...change }, key })).json.id)
}

async function setStatus(id: string, status: string): Promise<void> {
  await api.db.pool.query({
    text: 'update recipient set status = $2 where message_id = $1',
    values: [fromPublicId('msg', id), status],
  })
}

function idsOf(json: Record<string, unknown>): unknown[] {
  return [json.data]
    .flat()
    .map((entry) => (typeof entry === 'object' && entry !== null && 'id' in entry ? entry.id : entry))
}

async function walk(query: string): Promise<unknown[]> {
  const found: unknown[] = []
  let cursor: unknown = null
  do {
    const { json } = await list(`?${query}${cursor === null ? '' : `&cursor=${cursor}`}`)
    found.push(...idsOf(json))
    cursor = json.next_cursor
  } while (cursor !== null)
  return found
}

beforeAll(async () => {
  api = await startTestApi()
  tenant = await api.addTenant()
  ids = []
  for (let i = 0; i < 7; i++) {
    ids.push(
      await send({ to: [`n${i}@example.net`, 'all@example.net'], tags: i % 2 === 0 ? ['even'] : ['odd'] }),
    )
  }
  await setStatus(ids[1] ?? '', 'sent')
  await setStatus(ids[2] ?? '', 'failed')
  await setStatus(ids[5] ?? '', 'failed')
  await api.db.pool.query({
    text: `update outbox set state = 'sending' where message_id = $1`,
    values: [fromPublicId('msg', ids[3] ?? '')],
  })
  await api.db.pool.query({
    text: `update recipient set status = 'deferred' where message_id = $1 and address = 'n4@example.net'`,
    values: [fromPublicId('msg', ids[4] ?? '')],
  })
  // Others' messages must never show up.
  await send({ to: ['all@example.net'], tags: ['even'] }, tenant.testKey)
  await send({ to: ['all@example.net'], tags: ['even'] }, api.tenant.liveKey)
})
afterAll(() => api.close())

const pick = (...wanted: number[]) => wanted.map((i) => ids[i])

describe('GET /v1/messages', () => {
  it('lists the newest first, and every message exactly once over all pages', async () => {
    expect(await walk('limit=2')).toEqual(pick(6, 5, 4, 3, 2, 1, 0))
    expect((await list('?limit=7')).json.next_cursor).toBeNull()
  })

  it.each([
    ['to=n4@example.net', () => pick(4)],
    ['to=ALL@EXAMPLE.NET', () => []],
    ['to=all@EXAMPLE.NET&limit=3', () => pick(6, 5, 4, 3, 2, 1, 0)],
    ['tag=odd', () => pick(5, 3, 1)],
    ['tag=even&to=all@example.net&limit=1', () => pick(6, 4, 2, 0)],
    ['to=all@example.net&status=deferred', () => []],
    ['to=n4@example.net&status=deferred', () => pick(4)],
    ['to=n4@example.net&status=queued', () => []],
    ['to=n3@example.net&status=sending', () => pick(3)],
    ['status=deferred', () => pick(4)],
    ['status=failed', () => pick(5, 2)],
    ['status=failed&tag=even', () => pick(2)],
    ['status=sent', () => pick(1)],
    ['status=sending', () => pick(3)],
    ['status=queued&limit=2', () => pick(6, 4, 0)],
    ['status=bounced', () => []],
    ['tag=none', () => []],
    ['until=2020-01-01T00:00:00Z', () => []],
    ['since=2020-01-01T00:00:00Z&limit=5', () => pick(6, 5, 4, 3, 2, 1, 0)],
    ['since=2090-01-01T00:00:00Z', () => []],
  ])('the filter %s finds the messages that it describes', async (query, expected) => {
    expect(await walk(query)).toEqual(expected())
    const filter = filterOf(Object.fromEntries(new URLSearchParams(query)))
    const body = { action: 'retry', dry_run: true, filter }
    const preview = await api.call('POST', '/v1/messages/bulk', { body, key: tenant.liveKey })
    expect(preview.json.matched, 'an action on many messages with the same filter').toBe(expected().length)
  })

  it('a cursor works for its own list only: not for other filters, another mode or another tenant', async () => {
    const cursor = String((await list('?limit=2')).json.next_cursor)
    expect((await list(`?limit=3&cursor=${cursor}`)).status).toBe(200)
    const tries = [
      list(`?cursor=${cursor}&tag=odd`),
      list(`?cursor=${cursor}`, tenant.testKey),
      list(`?cursor=${cursor}`, api.tenant.liveKey),
      list(`?cursor=${cursor.slice(0, -2)}`),
      list(`?cursor=${cursor}A`),
      list('?cursor='),
    ]
    for (const answer of await Promise.all(tries))
      expect(answer).toMatchObject({ status: 400, json: { code: 'cursor-invalid' } })
  })
})
