import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { closeUnreadAnswers } from './unread-answers.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

/** A client of a server with a limit of one second; it sends one request. */
async function ask(listener: RequestListener): Promise<{ client: Socket; server: Socket }> {
  const http = createServer(listener)
  closeUnreadAnswers(http, 1_000)
  http.keepAliveTimeout = 100
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const address: AddressInfo | string | null = http.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const opened = once(http, 'connection')
  const client = connect(address.port, '127.0.0.1')
  client.on('error', () => undefined)
  const [server]: Socket[] = await opened
  if (!server) throw new Error('no connection')
  cleanups.push(() => {
    client.destroy()
    http.closeAllConnections()
    http.close()
  })
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  return { client, server }
}

const LARGE = Buffer.alloc(32 * 1024 * 1024)

test('a connection whose answer is not read is closed', async () => {
  const { server } = await ask((_request, response) => void response.end(LARGE))
  await once(server, 'close')
})

test('an answer that is read slowly but steadily arrives complete', async () => {
  const { client } = await ask((_request, response) => void response.end(LARGE))
  let bytes = 0
  let pauses = 0
  client.on('data', (piece: Buffer) => {
    bytes += piece.length
    if (bytes < (pauses + 1) * 1024 * 1024) return
    pauses++
    client.pause()
    setTimeout(() => client.resume(), 60)
  })
  // The connection is idle then, and closed for that.
  await once(client, 'close')
  expect(bytes).toBeGreaterThan(LARGE.length)
})

test('the connection of a slow request is not closed', async () => {
  const { client } = await ask((_request, response) => void setTimeout(() => response.end('done'), 2_500))
  const [first]: Buffer[] = await once(client, 'data')
  expect(String(first)).toMatch(/^HTTP\/1\.1 200/)
})

test('a connection without further requests is closed after its keep-alive time', async () => {
  const { client, server } = await ask((_request, response) => void response.end('done'))
  client.resume()
  await once(server, 'close')
})
