import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { createRequestIds } from '../http/request-id.ts'
import { shedLoad } from './shed-load.ts'

let server: Server | undefined
let shedding: ReturnType<typeof shedLoad> | undefined
afterEach(async () => {
  await shedding?.stop()
  server?.close()
  server?.closeAllConnections()
})

/** A server that answers 200 to all that it is given, and how many it was given and spared. */
async function startShedding(waiting: number, options: { unwatchedMax?: number } = {}) {
  const counts = { waiting, given: 0, shed: 0, logged: 0 }
  server = createServer((_request, response) => {
    counts.given++
    response.end('given')
  })
  const deps = {
    acceptor: { waiting: () => counts.waiting },
    metrics: { countShed: (sends: number) => (counts.shed += sends) },
    logger: { info: () => undefined, warn: () => counts.logged++ },
    stopping: { isDraining: false, isClosing: false },
  }
  shedding = shedLoad(server, createRequestIds(), deps, options)
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const send = (path: string, method = 'POST') =>
    fetch(`http://127.0.0.1:${port}${path}`, { method, ...(method === 'POST' && { body: '{"to":"x"}' }) })
  return { counts, send, server, port }
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

test('once another process refuses, a refusal ends a connection that is one too many, also one whose sends come in pieces', async () => {
  const { counts, server, port, send } = await startShedding(500, { unwatchedMax: 0 })
  const client = connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1')
  let text = ''
  client.on('data', (chunk) => {
    text += chunk
  })
  const refuseOne = async () => {
    text = ''
    client.write('POST /v1/send HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n')
    await sleep(20)
    client.write('{}')
    await expect.poll(() => text).toContain('overloaded')
    return text
  }
  expect(await refuseOne()).not.toMatch(/connection: close/i)
  await expect
    .poll(
      async () => {
        await Promise.all(Array.from({ length: 100 }, () => send('/v1/send').then((it) => it.text())))
        return server.listening
      },
      { timeout: 5_000 },
    )
    .toBe(false)
  expect(await refuseOne()).toMatch(/connection: close/i)
  await expect.poll(() => client.closed).toBe(true)
  expect(counts.given).toBe(0)
})
