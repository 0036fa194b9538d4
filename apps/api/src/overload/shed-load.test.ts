import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createRequestIds } from '../plugins/request-id.ts'
import { shedLoad } from './shed-load.ts'

let server: Server | undefined
afterEach(() => {
  server?.close()
  server?.closeAllConnections()
})

/** A server that answers 200 to all that it is given, and how many it was given and spared. */
async function startShedding(waiting: number) {
  const counts = { waiting, given: 0, shed: 0, logged: 0 }
  server = createServer((_request, response) => {
    counts.given++
    response.end('given')
  })
  shedLoad(server, createRequestIds(), {
    acceptor: { waiting: () => counts.waiting },
    metrics: { countShed: (sends) => (counts.shed += sends) },
    logger: { info: () => undefined, warn: () => counts.logged++ },
    stopping: { isDraining: false, isClosing: false },
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const send = (path: string, method = 'POST') =>
    fetch(`http://127.0.0.1:${port}${path}`, { method, ...(method === 'POST' && { body: '{"to":"x"}' }) })
  return { counts, send }
}

test('a send is refused at once while too many wait, and again taken when they no longer do', async () => {
  const { counts, send } = await startShedding(500)
  for (const path of ['/v1/send', '/v1/send/batch']) {
    const refused = await send(`${path}?secret=1`)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(await refused.json()).toMatchObject({
      ...{ code: 'overloaded', status: 503, instance: path },
      request_id: refused.headers.get('x-request-id'),
    })
  }
  expect(counts).toMatchObject({ given: 0, shed: 2, logged: 1 })
  counts.waiting = 499
  expect((await send('/v1/send')).status).toBe(200)
  expect(counts).toMatchObject({ given: 1, shed: 2 })
})

test('what is not a send is served however many wait', async () => {
  const { counts, send } = await startShedding(100_000)
  expect((await send('/v1/messages/msg_1', 'GET')).status).toBe(200)
  expect((await send('/v1/connections')).status).toBe(200)
  expect((await send('/readyz', 'GET')).status).toBe(200)
  expect(counts).toMatchObject({ given: 3, shed: 0 })
})
