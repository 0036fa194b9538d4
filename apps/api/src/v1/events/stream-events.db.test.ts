import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'
import { appendTo, readEvents, send, untilWaiting } from '../../../test/feed.ts'
import { openStream } from '../../../test/sse.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const numbersOf = (events: { event: Record<string, unknown> }[]) => events.map(({ event }) => event.seq)

describe('GET /v1/events/stream', () => {
  it('tells what happens as it happens, each event with the cursor after it', async () => {
    const tenant = await api.addTenant()
    const stream = await openStream(api, '', { key: tenant.liveKey })
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    })
    expect(await stream.next()).toEqual({ retry: '2000' })
    const start = await stream.next()
    expect(start).toEqual({ comment: 'nothing new', id: expect.any(String) })
    const id = await send(api, { key: tenant.liveKey })
    const [first] = await stream.events(1)
    expect(first?.event).toMatchObject({ type: 'message.accepted', message_id: id })
    await appendTo(api.db.pool, { ...tenant, messageId: id })
    const [second] = await stream.events(1)
    expect(second?.event).toMatchObject({ type: 'recipient.deferred', message_id: id })
    stream.close()
    const key = { key: tenant.liveKey }
    expect((await readEvents(api, { cursor: start?.id }, key)).data).toHaveLength(2)
    expect((await readEvents(api, { cursor: first?.id }, key)).data).toEqual([second?.event])
    expect((await readEvents(api, { cursor: second?.id }, key)).data).toEqual([])
  })

  it('goes on after Last-Event-ID, wherever in a page that was, and tells none twice', async () => {
    const tenant = await api.addTenant()
    const messageId = await send(api, { key: tenant.liveKey })
    const seqs = await appendTo(api.db.pool, { ...tenant, messageId, count: 70 })
    const seen: unknown[] = []
    let lastEventId: string | undefined
    for (const count of [1, 5, 25, 40]) {
      const stream = await openStream(api, '?cursor=beginning', {
        key: tenant.liveKey,
        ...(lastEventId !== undefined && { lastEventId }),
      })
      const events = await stream.events(count)
      stream.close()
      seen.push(...numbersOf(events))
      lastEventId = events.at(-1)?.id
    }
    expect(seen).toEqual([0, ...seqs])
  })

  it('filters, and does not end the stream for what does not pass', async () => {
    const tenant = await api.addTenant()
    const messageId = await send(api, { key: tenant.liveKey })
    const stream = await openStream(api, '?types=recipient.bounced', { key: tenant.liveKey })
    await stream.next()
    await stream.next()
    await appendTo(api.db.pool, { ...tenant, messageId })
    const bounced = await appendTo(api.db.pool, { ...tenant, messageId, type: 'recipient.bounced' })
    expect(numbersOf(await stream.events(1))).toEqual(bounced)
    stream.close()
  })

  it('refuses an unknown event type, and a key without the scope', async () => {
    expect(await api.call('GET', '/v1/events/stream?types=nonsense')).toMatchObject({ status: 422 })
    const key = await api.addKey(api.tenant.tenantId, ['messages:read'])
    expect(await api.call('GET', '/v1/events/stream', { key })).toMatchObject({ status: 403 })
    expect((await fetch(`${api.url}/v1/events/stream`, { method: 'HEAD' })).status).toBe(405)
  })

  it('gives the place of a client that left to another one', async () => {
    const tenant = await api.addTenant()
    const open = () => openStream(api, '', { key: tenant.liveKey })
    const streams = await Promise.all(Array.from({ length: 100 }, open))
    expect(await open()).toMatchObject({ status: 429 })
    for (const stream of streams) stream.close()
    await untilWaiting(api, 0, 'stream')
    const again = await open()
    expect(again.status).toBe(200)
    again.close()
  })

  it('counts the answer to a client that left once, and as no failure', async () => {
    const own = await startTestApi()
    const stream = await openStream(own, '')
    await stream.next()
    await stream.next()
    stream.close()
    await untilWaiting(own, 0, 'stream')
    const metrics = await fetch(`${own.server.metricsUrl}/metrics`).then((answer) => answer.text())
    const counted = metrics.match(/^lettergate_http_requests_total\{.*events\/stream.*$/gm)
    expect(counted).toEqual([expect.stringMatching(/status="200"\} 1$/)])
    await own.close()
  })
})

it('streams end cleanly when the api stops, and their last id goes on elsewhere', async () => {
  const own = await startTestApi()
  const streams = await Promise.all([openStream(own, ''), openStream(own, '')])
  for (const stream of streams) await stream.next()
  const stopped = own.close()
  for (const stream of streams) {
    const ids: (string | undefined)[] = []
    for (let block = await stream.next(); block !== null; block = await stream.next()) ids.push(block.id)
    expect(ids.at(-1)).toEqual(expect.any(String))
    await stream.closed
  }
  await stopped
})
