import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { closeUnreadAnswers } from './unread-answers.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

/** A client of a server that puts up with 200 ms, which asks once. */
async function ask(listener: RequestListener): Promise<{ client: Socket; server: Socket }> {
  const http = createServer(listener)
  closeUnreadAnswers(http, 200)
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

test('a connection whose answer nobody reads is closed', async () => {
  const { server } = await ask((_request, response) => void response.end(LARGE))
  await once(server, 'close')
})

test('an answer that is read slowly but steadily arrives whole', async () => {
  const { client } = await ask((_request, response) => void response.end(LARGE))
  let bytes = 0
  client.pause()
  for (let rest = 1; bytes < LARGE.length; rest++) {
    const piece: Buffer | null = client.read()
    if (!piece) await once(client, 'readable')
    bytes += piece?.length ?? 0
    if (bytes > rest * 1024 * 1024) await sleep(30)
    else rest--
  }
  expect(bytes).toBeGreaterThan(LARGE.length)
})

test('a request that is worked on for long is not closed', async () => {
  const { client } = await ask((_request, response) => void setTimeout(() => response.end('done'), 700))
  const [first]: Buffer[] = await once(client, 'data')
  expect(String(first)).toMatch(/^HTTP\/1\.1 200/)
})
