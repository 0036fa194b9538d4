import { once } from 'node:events'
import { symlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createNetServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { openDoor } from './door.ts'
import { createRefusals } from './refusal.ts'
import { createRefusing } from './refuse-connections.ts'

const BODY = '{"to":"x"}'
const HEAD = `POST /v1/send HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY.length}\r\n\r\n`

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** An api that says what it was given by whom, behind one that refuses. */
async function start({ isOpen = true } = {}) {
  const api: Server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    response.end(`${request.method} ${request.url} ${body.slice(0, 20)} from ${request.socket.remoteAddress}`)
  })
  const door = await openDoor(api, () => undefined)
  const path = `${door.path}-link`
  const openLink = () => symlink(door.path, path)
  if (isOpen) await openLink()
  const refusing = createRefusing({ path, refusal: createRefusals() })
  refusing.begin()
  const front = createNetServer({ allowHalfOpen: true }, refusing.take)
  await once(front.listen(0, '127.0.0.1'), 'listening')
  cleanups.push(
    () => front.close(),
    () => api.closeAllConnections(),
    () => door.close(),
  )
  const { port } = front.address() as AddressInfo
  return { refusing, openLink, open: () => openClient(port) }
}

function openClient(port: number) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  socket.setEncoding('latin1')
  socket.on('error', () => undefined)
  cleanups.push(() => socket.destroy())
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  return {
    socket,
    /** Writes, and answers all that has come back once it has `expected` in it. */
    async exchange(bytes: string, expected: string | RegExp): Promise<string> {
      if (bytes !== '') socket.write(bytes)
      await expect.poll(() => text, { timeout: 5_000 }).toMatch(expected)
      const answer = text
      text = ''
      return answer
    },
  }
}

test('sends are refused one after the other, in however many pieces they come', async () => {
  const { refusing, open } = await start()
  const client = open()
  await client.exchange(HEAD + BODY, /503[\s\S]*overloaded/)
  client.socket.write(HEAD.slice(0, 5))
  await sleep(20)
  client.socket.write(HEAD.slice(5))
  await sleep(20)
  const answer = await client.exchange(BODY, /503[\s\S]*overloaded/)
  expect(answer).toContain('retry-after: 1')
  expect(answer).not.toMatch(/connection: close/i)
  expect(refusing.refused()).toBe(2)
})

test('whatever else comes goes to the api as it is, with the address of its client, and so does all that follows it', async () => {
  const { refusing, open } = await start()
  const client = open()
  await client.exchange(HEAD + BODY, '503')
  await client.exchange('GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n', 'GET /readyz  from 127.0.0.1')
  await client.exchange(HEAD + BODY, `POST /v1/send ${BODY} from 127.0.0.1`)
  const long = 'x'.repeat(200_000)
  await open().exchange(
    `POST /v1/send HTTP/1.1\r\nhost: a\r\ncontent-length: ${long.length}\r\n\r\n${long}`,
    'POST /v1/send xxxxxxxx',
  )
  expect(refusing.refused()).toBe(1)
})

test('as many sends go to the api as it has room for, and all of them when it rests', async () => {
  const { refusing, open } = await start()
  refusing.setRoom(1)
  await open().exchange(HEAD + BODY, `POST /v1/send ${BODY}`)
  const second = open()
  await second.exchange(HEAD + BODY, '503')
  refusing.rest()
  await second.exchange(HEAD + BODY, `POST /v1/send ${BODY}`)
})

test('a request that stops in the middle is left to the api, which judges what is late', async () => {
  const { open } = await start()
  const client = open()
  client.socket.write(HEAD + BODY.slice(0, 4))
  await sleep(1_200)
  await client.exchange(BODY.slice(4), `POST /v1/send ${BODY}`)
})

test('a client that has said all it will gets its answer', async () => {
  const { open } = await start()
  for (const [bytes, expected] of [
    [HEAD + BODY, '503'],
    ['GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n', 'GET /readyz'],
  ] as const) {
    const client = open()
    client.socket.end(bytes)
    await client.exchange('', expected)
  }
})

test('a connection that the api cannot take at once waits for it', async () => {
  const { refusing, open, openLink } = await start({ isOpen: false })
  refusing.rest()
  const client = open()
  client.socket.write(HEAD + BODY)
  await sleep(120)
  await openLink()
  await client.exchange('', `POST /v1/send ${BODY} from 127.0.0.1`)
})
