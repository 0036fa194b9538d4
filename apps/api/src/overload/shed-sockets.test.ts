import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { watchSockets } from './shed-sockets.ts'

const SEND = 'POST /v1/send HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}'
const REFUSED = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

/** A server that is overloaded while it is told so, and names each request that its parser has read in the answer. */
async function start(unwatched = 0) {
  const state = { overloaded: true, relieved: false, parsed: [] as string[], answerAfterMs: 0 }
  const server: Server = createServer(async (request, response) => {
    sockets.onRequest(request, response, request.method === 'POST')
    let body = ''
    for await (const chunk of request) body += chunk
    state.parsed.push(`${request.method} ${request.url} ${body}`)
    await sleep(state.answerAfterMs)
    response.end(`parsed ${state.parsed.length}`)
  })
  const sockets = watchSockets(
    server,
    {
      isOverloaded: () => state.overloaded,
      onSurplus: () => undefined,
      mayEnd: () => state.relieved,
      refusal: ({ isLast }) => Buffer.from(`${REFUSED}${isLast ? 'connection: close\r\n' : ''}\r\n`),
    },
    unwatched,
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  cleanups.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return { state, open: () => openClient(address.port) }
}

function openClient(port: number) {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.setEncoding('latin1')
  cleanups.push(() => socket.destroy())
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  return {
    /** Writes, and answers the status lines of what has come back once there are so many. */
    async exchange(bytes: string, answers: number): Promise<string[]> {
      socket.write(bytes)
      const statuses = () => text.match(/HTTP\/1\.1 \d{3}/g) ?? []
      await expect.poll(() => statuses().length).toBeGreaterThanOrEqual(answers)
      return statuses().map((line) => line.slice(-3))
    },
    write: (bytes: string) => socket.write(bytes),
    ended: () => socket.readableEnded,
  }
}

test('under overload whole sends are refused one after the other, and the parser sees none of them', async () => {
  const { state, open } = await start()
  const client = open()
  for (let count = 1; count <= 3; count++) {
    expect(await client.exchange(SEND, count)).toEqual(Array(count).fill('503'))
  }
  expect(state.parsed).toEqual([])
})

test('when it is over, the same connection is served', async () => {
  const { state, open } = await start()
  const client = open()
  await client.exchange(SEND, 1)
  state.overloaded = false
  expect(await client.exchange(SEND, 2)).toEqual(['503', '200'])
  state.overloaded = true
  expect(await client.exchange(SEND, 3)).toEqual(['503', '200', '503'])
})

test('other requests are served under overload', async () => {
  const { open } = await start()
  expect(await open().exchange('GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n', 1)).toEqual(['200'])
})

test('a send in two pieces is left to the parser, and so is everything after it', async () => {
  const { state, open } = await start()
  const client = open()
  client.write(SEND.slice(0, 30))
  await sleep(30)
  expect(await client.exchange(SEND.slice(30), 1)).toEqual(['200'])
  expect(await client.exchange(SEND, 2)).toEqual(['200', '200'])
  expect(state.parsed).toHaveLength(2)
})

test('a body that looks like a send is a body: two readers never disagree about where a request begins', async () => {
  const { state, open } = await start()
  const client = open()
  client.write(`POST /v1/connections HTTP/1.1\r\nhost: a\r\ncontent-length: ${SEND.length}\r\n\r\n`)
  await sleep(30)
  expect(await client.exchange(SEND, 1)).toEqual(['200'])
  expect(state.parsed).toEqual([`POST /v1/connections ${SEND}`])
})

test('a send behind one that is still being answered keeps its place', async () => {
  const { state, open } = await start()
  state.overloaded = false
  state.answerAfterMs = 50
  const client = open()
  client.write(SEND)
  await sleep(10)
  state.overloaded = true
  expect(await client.exchange(SEND, 2)).toEqual(['200', '200'])
})

test('connections that are too few to overload are never watched', async () => {
  const { state, open } = await start(1)
  const first = open()
  expect(await first.exchange(SEND, 1)).toEqual(['200'])
  expect(await open().exchange(SEND, 1)).toEqual(['503'])
  expect(state.parsed).toHaveLength(1)
})

test('while another process refuses, a refusal ends its connection, unless something else than sends came on it', async () => {
  const { state, open } = await start()
  const mixed = open()
  await mixed.exchange('GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n', 1)
  state.relieved = true
  const client = open()
  await client.exchange(SEND, 1)
  await expect.poll(client.ended).toBe(true)
  await mixed.exchange(SEND, 2)
  expect(mixed.ended()).toBe(false)
})
